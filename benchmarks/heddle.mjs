/** The built package. This folder has a package.json of its own, so heddle cannot be imported by its name here. */
export * from '../dist/src/index.js';

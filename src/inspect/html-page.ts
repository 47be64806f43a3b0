/** What the html page looks like. Constant, so that the page's policy can name it by its hash. */
export const pageStyle = `
:root { color-scheme: light dark; --back: #fbfbfc; --card: #ffffff; --line: #dfe3e8; --text: #1d2433; --quiet: #667085; --mark: #d6336c }
@media (prefers-color-scheme: dark) { :root { --back: #14171c; --card: #1d2127; --line: #343a43; --text: #e6e9ee; --quiet: #9aa4b2; --mark: #ff7eb0 } }
* { box-sizing: border-box }
body { margin: 0; height: 100vh; display: flex; flex-direction: column; background: var(--back); color: var(--text); font: 14px/1.45 "Helvetica Neue", Helvetica, Arial, "Liberation Sans", sans-serif }
header { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 14px; padding: 10px 16px; background: var(--card); border-bottom: 1px solid var(--line) }
h1 { font-size: 15px; margin: 0 }
header p { margin: 0 auto 0 0; color: var(--quiet) }
input, button { font: inherit; color: inherit; background: var(--back); border: 1px solid var(--line); border-radius: 6px; padding: 4px 10px }
input { width: 220px }
button { cursor: pointer; margin-left: 4px }
button:hover { border-color: var(--quiet) }
main { flex: 1; min-height: 0; overflow: hidden; cursor: grab; touch-action: none; outline: none }
main.moving { cursor: grabbing }
main svg { display: block; width: 100%; height: 100% }
[data-node] { cursor: pointer }
.dim { opacity: .22 }
[data-node].chosen > rect:last-of-type { stroke: var(--mark); stroke-width: 2.6px }
path.near { stroke: var(--mark); stroke-width: 2px }
aside { position: fixed; right: 16px; bottom: 16px; max-width: min(560px, calc(100vw - 32px)); max-height: 45vh; overflow: auto; padding: 10px 14px; background: var(--card); border: 1px solid var(--line); border-radius: 8px; box-shadow: 0 4px 18px #0003 }
aside[hidden] { display: none }
dl { margin: 0; display: grid; grid-template-columns: auto 1fr; gap: 2px 14px }
dt { color: var(--quiet) }
dd { margin: 0; overflow-wrap: anywhere; white-space: pre-wrap }
`;

/** What the html page does: pan, zoom, find, and the facts of what is pointed at. Names become text nodes, never markup. */
export const pageScript = `
'use strict';
const view = document.getElementById('view');
const svg = view.querySelector('svg');
const panel = document.getElementById('facts');
const facts = JSON.parse(document.getElementById('data').textContent);
const nodes = [...svg.querySelectorAll('[data-node]')];
const edges = [...svg.querySelectorAll('[data-from]')];
const all = svg.viewBox.baseVal;
const whole = { x: all.x, y: all.y, width: all.width, height: all.height };
let box = { ...whole };
let pinned = null;
for (const title of svg.querySelectorAll('[data-node] > title')) title.remove();

const show = () => svg.setAttribute('viewBox', [box.x, box.y, box.width, box.height].join(' '));
const scale = () => Math.min(view.clientWidth / box.width, view.clientHeight / box.height) || 1;
function point(event) {
  const place = view.getBoundingClientRect();
  const s = scale();
  return [box.x + box.width / 2 + (event.clientX - place.left - place.width / 2) / s, box.y + box.height / 2 + (event.clientY - place.top - place.height / 2) / s];
}
function zoom(factor, at) {
  const least = Math.min(0.05, view.clientWidth / whole.width, view.clientHeight / whole.height);
  const limited = Math.min(Math.max(factor, least / scale()), 8 / scale());
  if (!Number.isFinite(limited) || limited === 0) return;
  const [x, y] = at ?? [box.x + box.width / 2, box.y + box.height / 2];
  box = { x: x - (x - box.x) / limited, y: y - (y - box.y) / limited, width: box.width / limited, height: box.height / limited };
  show();
}
function fit() {
  // small graphs keep their natural size
  const grow = Math.max(1, Math.min(view.clientWidth / whole.width, view.clientHeight / whole.height) / 1.5);
  box = { x: whole.x - whole.width * (grow - 1) / 2, y: whole.y - whole.height * (grow - 1) / 2, width: whole.width * grow, height: whole.height * grow };
  show();
}
function home() {
  fit();
  const output = nodes.find((node) => facts[Number(node.dataset.node)].some(([name]) => name === 'output'));
  if (scale() > 0.2 || output === undefined) return;
  // too small to read as a whole: begin where the results are
  const place = output.getBBox();
  const s = 0.6 / scale();
  const [width, height] = [box.width / s, box.height / s];
  box = { x: place.x + place.width / 2 - width / 2, y: place.y + place.height / 2 - height / 2, width, height };
  show();
}
function tell(id) {
  panel.replaceChildren();
  panel.hidden = id === null;
  for (const node of nodes) node.classList.toggle('chosen', node.dataset.node === id);
  for (const edge of edges) edge.classList.toggle('near', id !== null && (edge.dataset.from === id || edge.dataset.to === id));
  if (id === null) return;
  const list = document.createElement('dl');
  for (const [name, text] of facts[Number(id)]) {
    const term = document.createElement('dt');
    const detail = document.createElement('dd');
    term.textContent = name;
    detail.textContent = text;
    list.append(term, detail);
  }
  panel.append(list);
}
const nodeAt = (event) => (event.target instanceof Element ? event.target.closest('[data-node]') : null);
view.addEventListener('pointerover', (event) => {
  const node = nodeAt(event);
  if (pinned === null) tell(node === null ? null : node.dataset.node);
});
view.addEventListener('pointerleave', () => tell(pinned));
let drag = null;
view.addEventListener('pointerdown', (event) => {
  if (event.button !== 0) return;
  drag = { x: event.clientX, y: event.clientY, box: { ...box }, moved: false, node: nodeAt(event) };
});
view.addEventListener('pointermove', (event) => {
  if (drag === null) return;
  const dx = event.clientX - drag.x;
  const dy = event.clientY - drag.y;
  if (!drag.moved && Math.abs(dx) + Math.abs(dy) < 4) return;
  if (!drag.moved) view.setPointerCapture(event.pointerId);
  drag.moved = true;
  view.classList.add('moving');
  const s = scale();
  box = { ...drag.box, x: drag.box.x - dx / s, y: drag.box.y - dy / s };
  show();
});
function release() {
  if (drag !== null && !drag.moved) {
    const id = drag.node === null ? null : drag.node.dataset.node;
    pinned = id === pinned ? null : id;
    tell(id);
  }
  drag = null;
  view.classList.remove('moving');
}
view.addEventListener('pointerup', release);
view.addEventListener('pointercancel', () => { if (drag !== null) drag.moved = true; release(); });
view.addEventListener('wheel', (event) => {
  event.preventDefault();
  zoom(Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.0015)), point(event));
}, { passive: false });
document.getElementById('in').addEventListener('click', () => zoom(1.4));
document.getElementById('out').addEventListener('click', () => zoom(1 / 1.4));
document.getElementById('fit').addEventListener('click', fit);
const find = document.getElementById('find');
find.addEventListener('input', () => {
  const wanted = find.value.trim().toLowerCase();
  const hits = nodes.map((node) => wanted === '' || facts[Number(node.dataset.node)].some(([, text]) => text.toLowerCase().includes(wanted)));
  nodes.forEach((node, i) => node.classList.toggle('dim', !hits[i]));
  for (const edge of edges) edge.classList.toggle('dim', !(hits[Number(edge.dataset.from)] && hits[Number(edge.dataset.to)]));
});
addEventListener('keydown', (event) => {
  if (event.target === find || event.ctrlKey || event.metaKey || event.altKey) return;
  const step = 60 / scale();
  const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
  if (event.key === '+' || event.key === '=') zoom(1.4);
  else if (event.key === '-') zoom(1 / 1.4);
  else if (event.key === '0') fit();
  else if (event.key === 'Escape') { pinned = null; tell(null); }
  else if (Object.hasOwn(moves, event.key)) { box = { ...box, x: box.x + moves[event.key][0], y: box.y + moves[event.key][1] }; show(); }
  else return;
  event.preventDefault();
});
home();
`;

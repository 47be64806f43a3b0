import { typeError } from '../../../graph/index.ts';

/** An object, a prefix or a pattern in a bucket. */
export interface S3Place {
  readonly bucket: string;
  /** As S3 has it: nothing in it is escaped. May be empty. */
  readonly key: string;
  readonly versionId: string | undefined;
}

const version = /\?versionId=([^?&#/*]+)$/;

/** Takes `s3://bucket/key` apart. Every character of the key means itself; only `?versionId=…` at its end names a version. User and password are dropped. */
export function parsePlace(path: string): S3Place {
  const rest = path.replace(/^s3:(\/\/)?/i, '');
  const slash = rest.indexOf('/');
  const bucket = (slash < 0 ? rest : rest.slice(0, slash)).replace(/^.*@/, '');
  if (!/^[a-z0-9][a-z0-9._-]{1,254}$/i.test(bucket))
    throw typeError(
      'ERR_INVALID_ARGUMENT',
      `${path} names no bucket: write s3://bucket/key; a bucket's name has letters, digits, ".", "-" and "_" only`,
    );
  const key = slash < 0 ? '' : rest.slice(slash + 1);
  if (Buffer.byteLength(key) > 1024)
    throw typeError('ERR_INVALID_ARGUMENT', `a key of S3 has at most 1024 bytes; ${path.slice(0, 100)}… has more`);
  const found = version.exec(key);
  return found === null ? { bucket, key, versionId: undefined } : { bucket, key: key.slice(0, found.index), versionId: found[1] };
}

/** The path of an object, as `list` yields it. */
export function pathOf(bucket: string, key: string, versionId?: string): string {
  return `s3://${bucket}/${key}${versionId === undefined ? '' : `?versionId=${versionId}`}`;
}

/** URLs of blobs in object storage. */
import { describe, expect, it } from 'vitest';
import { parseS3Url } from '../../../src/storage/s3/location.ts';

describe('parseS3Url', () => {
  it.each([
    ['s3://bucket', { bucket: 'bucket', prefix: '' }],
    ['s3://bucket/', { bucket: 'bucket', prefix: '' }],
    ['s3://my.bucket-1/a/b/', { bucket: 'my.bucket-1', prefix: 'a/b/' }],
    [
      's3://bucket/a?endpoint=http://127.0.0.1:9000&path_style=true&region=eu-central-1',
      { bucket: 'bucket', prefix: 'a/', endpoint: 'http://127.0.0.1:9000', isPathStyle: true, region: 'eu-central-1' },
    ],
    [
      's3://bucket?endpoint=https%3A%2F%2Fminio.local&path_style=false',
      { bucket: 'bucket', prefix: '', endpoint: 'https://minio.local', isPathStyle: false },
    ],
  ])('reads %s', (url, location) => {
    expect(parseS3Url(url)).toEqual(location);
  });

  it.each([
    ['https://bucket/prefix', 'of the form s3://bucket/prefix'],
    ['s3://', 'of the form'],
    ['s3://key:secret@bucket/prefix', 'must not contain credentials'],
    ['s3://Bucket/prefix', 'valid bucket'],
    ['s3://bucket/a//b', 'between single slashes'],
    ['s3://bucket/../b', 'between single slashes'],
    ['s3://bucket/a b', 'between single slashes'],
    ['s3://bucket/a?endpoint=ftp://secret', 'begins with https://'],
    ['s3://bucket/a?endpoint=https://key:secret@host', 'must not contain credentials'],
    ['s3://bucket/a?endpoint=https://host/secret', 'without a path'],
    ['s3://bucket/a?secret_key=secret', 'only the parameters endpoint, region and path_style'],
    ['s3://bucket/a?path_style=secret', 'must be true or false'],
  ])('refuses %s, without repeating it', (url, message) => {
    expect(() => parseS3Url(url)).toThrow(message);
    expect(() => parseS3Url(url)).not.toThrow('secret');
  });
});

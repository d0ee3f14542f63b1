/**
 * Opening what a catalogue's image is fetched from: http and https, and files in folders that this host's operator
 * has named. A redirect may not leave http(s), and a symbolic link may not leave the folder.
 */
import { constants } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { get as httpsGet } from 'node:https';
import { sep } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { someFolder } from '../allowed-folders.js';
import { ImageFault } from './image-fault.js';
import type { Calls } from './partial-file.js';
import { slowestPace, steady } from './steady.js';

export interface OpenSource {
  stream: Readable;
  /** Null when the source does not say. */
  sizeBytes: number | null;
}

const maxRedirects = 5;
const answerTimeoutMs = 15_000;
const readChunkBytes = 1024 * 1024;

/** Files are read by `calls`, for their folder may hang. */
export async function openSource(
  source: string,
  imageDirectories: readonly string[],
  signal: AbortSignal,
  calls: Calls,
): Promise<OpenSource> {
  const url = new URL(source);
  if (url.protocol === 'file:') return openFile(url, imageDirectories, calls);
  if (!isWeb(url)) throw new ImageFault('denied', `images are not fetched by ${url.protocol}`);
  return openWeb(url, signal);
}

const isWeb = (url: URL): boolean => url.protocol === 'http:' || url.protocol === 'https:';

async function openFile(url: URL, imageDirectories: readonly string[], calls: Calls): Promise<OpenSource> {
  if (url.host !== '') throw new ImageFault('denied', `a file URL must not name a host: ${url.href}`);
  const { file, sizeBytes } = await calls(() => openAllowed(url, imageDirectories));
  return { stream: readableOf(file, calls), sizeBytes };
}

/** Between two pieces nothing is held, however slowly they are taken. The file is closed in the end. */
export function readableOf(file: FileHandle, calls: Calls): Readable {
  return new Readable({
    highWaterMark: readChunkBytes,
    read() {
      calls(() => file.read(Buffer.allocUnsafe(readChunkBytes))).then(
        ({ bytesRead, buffer }) => this.push(bytesRead === 0 ? null : buffer.subarray(0, bytesRead)),
        (error: Error) => this.destroy(error),
      );
    },
    destroy(error, done) {
      calls(() => file.close()).then(() => done(error), done);
    },
  });
}

async function openAllowed(
  url: URL,
  imageDirectories: readonly string[],
): Promise<{ file: FileHandle; sizeBytes: number }> {
  const path = await realpath(fileURLToPath(url)).catch((error: Error) => {
    throw new ImageFault('denied', `the image's file cannot be read: ${error.message}`);
  });
  if (!(await someFolder(imageDirectories, (folder) => path.startsWith(folder + sep)))) {
    throw new ImageFault('denied', `${path} is not in one of this host's imageDirectories`);
  }
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    throw new ImageFault('denied', `the image's file cannot be read: ${(error as Error).message}`);
  }
  const entry = await file.stat();
  if (!entry.isFile()) {
    await file.close();
    throw new ImageFault('denied', `${path} is not a file`);
  }
  return { file, sizeBytes: entry.size };
}

async function openWeb(first: URL, signal: AbortSignal): Promise<OpenSource> {
  let url = first;
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    const response = await request(url, signal);
    const status = response.statusCode ?? 0;
    if (status === 200) {
      const { host } = url;
      const tooSlow = (how: string) =>
        new ImageFault('failed', `${host} sends the image too slowly: it ${how}`);
      const length = Number(response.headers['content-length'] ?? Number.NaN);
      return {
        stream: steady(response, slowestPace, tooSlow),
        sizeBytes: Number.isSafeInteger(length) ? length : null,
      };
    }
    response.resume();
    const { location } = response.headers;
    if (![301, 302, 303, 307, 308].includes(status) || location === undefined) {
      // What the client did wrong stays wrong; what the server cannot do now, it may do later.
      const final = status >= 400 && status < 500 && status !== 408 && status !== 429;
      throw new ImageFault(final ? 'denied' : 'failed', `${url.host} answers ${status} for the image`);
    }
    if (!URL.canParse(location, url.href)) throw new ImageFault('denied', `${url.host} redirects to no URL`);
    url = new URL(location, url);
    if (!isWeb(url)) throw new ImageFault('denied', `the image's source redirects to ${url.protocol}`);
  }
  throw new ImageFault('denied', `the image's source redirects more than ${maxRedirects} times`);
}

function request(url: URL, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const get = url.protocol === 'https:' ? httpsGet : httpGet;
    // The digest is of the file itself, so nothing may be packed on the way.
    const headers = { 'accept-encoding': 'identity', 'user-agent': 'secovia-agent' };
    const sent = get(url, { signal, headers, agent: false }, (response) => {
      sent.setTimeout(0);
      resolve(response);
    });
    sent.setTimeout(answerTimeoutMs, () => sent.destroy(new Error('no answer in time')));
    sent.on('error', (error) => {
      if (signal.aborted) reject(new ImageFault('cancelled', 'not needed any more'));
      else reject(new ImageFault('failed', `the image cannot be fetched from ${url.host}: ${error.message}`));
    });
  });
}

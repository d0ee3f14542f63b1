/** Whoever counts calls: told of each where all of them pass. */
import type { MethodDefinition, UntypedHandleCall } from '@grpc/grpc-js';

export interface CallObserver {
  /** A call with one answer was answered; `code` is its status, 0 for success. */
  answered(method: string, code: number, tookMs: number): void;
  streamBegan(method: string): void;
  streamEnded(method: string): void;
  /** A call was turned away because there are too many. */
  turnedAway(reason: string): void;
}

type Callback = (error: { code?: number } | null, ...rest: unknown[]) => void;
type Handler = (call: { once(event: string, listener: () => void): unknown }, callback?: Callback) => void;

/** The handler of a method, with somebody who is told of its calls. */
export function observed(
  { path, requestStream, responseStream }: MethodDefinition<unknown, unknown>,
  handler: UntypedHandleCall,
  observer: CallObserver,
): UntypedHandleCall {
  const handle = handler as Handler;
  const unary: Handler = (call, callback) => {
    const began = performance.now();
    handle(call, (error, ...rest) => {
      observer.answered(path, error?.code ?? 0, performance.now() - began);
      callback?.(error, ...rest);
    });
  };
  const stream: Handler = (call) => {
    let isOpen = true;
    observer.streamBegan(path);
    const over = () => {
      if (isOpen) observer.streamEnded(path);
      isOpen = false;
    };
    for (const event of ['cancelled', 'close', 'error', 'finish']) call.once(event, over);
    handle(call);
  };
  return (requestStream || responseStream ? stream : unary) as UntypedHandleCall;
}

/** How the CLI reaches the scheduler: address, credentials and channel options are decided here and nowhere else. */
import * as grpc from '@grpc/grpc-js';

export function openChannel(server: string): grpc.Client {
  return new grpc.Client(server, grpc.credentials.createInsecure(), {
    // A scheduler that restarts is found again quickly.
    'grpc.initial_reconnect_backoff_ms': 200,
    'grpc.min_reconnect_backoff_ms': 200,
    'grpc.max_reconnect_backoff_ms': 2000,
    // The scheduler is reached directly: a web proxy of the environment would only stand in the way.
    'grpc.enable_http_proxy': 0,
    // A watch over a connection that died without a word notices within a minute.
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 10_000,
    'grpc.max_receive_message_length': 64 * 1024 * 1024,
  });
}

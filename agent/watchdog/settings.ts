/** The watchdog in the agent's settings: which device, and after how long it resets the machine. */
import { z } from 'zod';

const seconds = 'must be a number of whole seconds from 5 to 300';

export const watchdogSetting = z
  .strictObject(
    {
      /** Of the kernel, such as /dev/watchdog0, or the socket of a program that shares one out. */
      device: z.string().startsWith('/', 'must be an absolute path'),
      timeoutSeconds: z.int(seconds).min(5, seconds).max(300, seconds).default(30),
    },
    'must be settings such as device and timeoutSeconds',
  )
  .nullable()
  .default(null);

export type WatchdogSettings = NonNullable<z.infer<typeof watchdogSetting>>;

/** `secovia host drain-resume`. */
import { changeNamed } from '../../change-named.js';
import { defineCommand } from '../../command.js';

export const hostDrainResume = defineCommand({
  usage: 'host drain-resume <host...>',
  summary: 'Go on with a drain that is paused',
  examples: ['secovia host drain-resume sofia-1-a'],
  run: (context, names) =>
    changeNamed(context, names, {
      collection: 'hosts',
      service: 'HostService',
      method: 'ResumeDrain',
      done: 'goes on with the drain of host',
      order: (connection, name) => connection.mutate('HostService', 'ResumeDrain', { name }),
    }),
});

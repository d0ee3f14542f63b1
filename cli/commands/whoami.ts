/** `secovia whoami`. */
import { defineCommand } from '../command.js';
import { present } from '../output/present.js';
import { sheet } from '../output/sheet.js';
import { formatMoment, timestampMs } from '../values/durations.js';
import { shortName } from '../values/names.js';
import { roleWord } from '../views/identity.js';

export const whoami = defineCommand({
  usage: 'whoami',
  summary: 'Show whom the scheduler takes you for',
  examples: ['secovia whoami', 'secovia whoami --identity ops'],
  async run(context) {
    const connection = await context.connection();
    const response = await connection.call('IdentityService', 'GetCaller', {});
    const { uri, onBehalf, role, partner, administration, serves, expireTime, federation } = response;
    await present(context, {
      service: 'IdentityService',
      method: 'GetCaller',
      response,
      names: [uri],
      text: () =>
        sheet(
          [
            ['You are', uri],
            ['For', onBehalf],
            ['Role', roleWord(role)],
            ['Partner', shortName(partner)],
            ['Administration', shortName(administration)],
            ['Serves', serves.map(shortName)],
            ['Certificate until', formatMoment(timestampMs(expireTime), context.nowMs)],
            ['Federation', federation],
          ],
          context.paint,
        ),
    });
  },
});

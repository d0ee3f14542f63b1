/** `secovia vm capacity`: how many VMs of one shape fit now. */
import { defineCommand, option } from '../../command.js';
import { usageFailure } from '../../failure.js';
import { present } from '../../output/present.js';
import { parseCount } from '../../values/words.js';
import { capacityText } from '../../views/capacity.js';
import { groupHelp, placementQuestion, type ShapeOptions, shapeOptions } from '../../vm-shape.js';

/** The contract's limit of a count. */
const highestLimit = 10_000;

interface Options extends ShapeOptions {
  limit?: number;
}

export const vmCapacity = defineCommand<Options>({
  usage: 'vm capacity',
  summary: 'Count how many VMs of one size still fit, and on which sites',
  description:
    'Takes size and place as vm create does, and counts VMs one after the other as they would be placed. ' +
    `Nothing is made, and nothing is kept free.\n\n${groupHelp}`,
  examples: [
    'secovia vm capacity -A city --vcpus 2 --memory 4GiB --disk 20GiB --image debian-13',
    'secovia vm capacity -A city --vcpus 2 --memory 4GiB --disk 20GiB --image tiny --jurisdiction EU --limit 100',
  ],
  options: [
    ...shapeOptions(),
    option('--limit <count>', `stop counting there, at most ${highestLimit} (default: that)`, parseCount),
  ],
  async run(context, _args, options) {
    const { limit = 0 } = options;
    if (limit > highestLimit) throw usageFailure(`--limit is at most ${highestLimit}.`);
    const question = placementQuestion(context, options);
    const connection = await context.connection();
    const response = await connection.call('PlacementService', 'EstimateCapacity', { ...question, limit });
    await present(context, {
      service: 'PlacementService',
      method: 'EstimateCapacity',
      response,
      names: response.sites.map(({ site }) => site),
      text: () => capacityText(response, context.paint),
    });
  },
});

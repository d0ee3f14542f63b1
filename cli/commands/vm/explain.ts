/** `secovia vm explain`: where a VM would go and why, or what keeps it from every host. */
import { defineCommand } from '../../command.js';
import { exitCodes, Failure } from '../../failure.js';
import { present } from '../../output/present.js';
import { explanationText, refusalSentence } from '../../views/explanation.js';
import { groupHelp, placementQuestion, type ShapeOptions, shapeOptions } from '../../vm-shape.js';

export const vmExplain = defineCommand<ShapeOptions>({
  usage: 'vm explain [name]',
  summary: 'Say where a VM would go and why, without making it',
  description:
    'Takes name, size and place as vm create does; the name may be left out. By the time a VM is made the answer may differ.\n' +
    'HOSTS counts each host that cannot take it once, under the first rule that excludes it; SOLE counts those that ' +
    'nothing else excludes.\n' +
    `The exit code is 4 when no host can take it, as when vm create is refused.\n\n${groupHelp}`,
  examples: [
    'secovia vm explain -A city --vcpus 8 --memory 64GiB --disk 100GiB --image debian-13 --country BG',
    'secovia vm explain -A city --vcpus 2 --memory 4GiB --disk 20GiB --image tiny --require-trait ssd --group web:apart',
  ],
  options: shapeOptions(),
  async run(context, [word], options) {
    const question = placementQuestion(context, options, word);
    const connection = await context.connection();
    const response = await connection.call('PlacementService', 'ExplainPlacement', question);
    const { chosen, refusal } = response;
    await present(context, {
      service: 'PlacementService',
      method: 'ExplainPlacement',
      response,
      names: chosen === null ? [] : [chosen.host],
      text: () => explanationText(response, context.paint),
    });
    if (chosen === null) throw new Failure(refusalSentence(refusal), exitCodes.refused);
  },
});

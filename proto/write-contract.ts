/** A step of the build: writes the contract down as programs read it. */
import { renameSync, writeFileSync } from 'node:fs';
import { contractPath, parseContract } from './contract.js';

const partPath = `${contractPath}.part`;
writeFileSync(partPath, JSON.stringify(parseContract().toJSON({ keepComments: false })));
renameSync(partPath, contractPath);

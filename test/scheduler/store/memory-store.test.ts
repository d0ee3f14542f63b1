import { storeContract } from './contract.js';
import { MemoryDisk, MemoryJournal, MemoryStore } from './memory-store.js';

storeContract('in memory', () => {
  const disk = new MemoryDisk();
  return { open: () => new MemoryStore(disk), openJournal: () => new MemoryJournal(disk) };
});

/** The X.509 library, told which cryptography to use. Whoever needs certificates takes it from here. */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

x509.cryptoProvider.set(webcrypto);

export * from '@peculiar/x509';

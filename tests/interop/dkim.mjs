// SPDX-License-Identifier: ISC
// npm's mailauth behind one JSON list of jobs on standard input and one list of results on standard output: signing and
// verifying DKIM. Only these parts are loaded, as others want a newer Node than Debian's.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { dkimSign } = require('mailauth/lib/dkim/sign');
const { dkimVerify } = require('mailauth/lib/dkim/verify');

// keys: {name: record}
const resolver = (keys) => async (name) => {
  const record = keys[name.toLowerCase().replace(/\.$/, '')];
  if (!record) throw Object.assign(new Error('ENOTFOUND'), { code: 'ENOTFOUND' });
  return [[record]];
};

const actions = {
  async verify(job) {
    const { results } = await dkimVerify(Buffer.from(job.message, 'base64'), { resolver: resolver(job.keys) });
    return results.map((r) => r.status.result);
  },
  async sign(job) {
    const { signatures, errors } = await dkimSign(Buffer.from(job.message, 'base64'), {
      canonicalization: job.canon, signTime: new Date(job.now * 1000), algorithm: job.algorithm,
      signatureData: [{ signingDomain: job.domain, selector: job.selector, privateKey: job.key, algorithm: job.algorithm,
        canonicalization: job.canon, maxBodyLength: job.length }],
    });
    if (errors.length) throw new Error(JSON.stringify(errors));
    return signatures;
  },
};

const out = [];
for (const job of JSON.parse(readFileSync(0, 'utf8'))) out.push(await actions[job.action](job));
process.stdout.write(JSON.stringify(out));

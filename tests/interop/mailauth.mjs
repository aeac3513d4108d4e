// SPDX-License-Identifier: ISC
// npm's mailauth behind one JSON list of jobs on standard input and one list of results on standard output. Only its
// parts are loaded: what it has for BIMI wants a newer Node than Debian's.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { dmarc } = require('mailauth/lib/dmarc');
const { arc, sealMessage } = require('mailauth/lib/arc');
const { dkimVerify } = require('mailauth/lib/dkim/verify');
const parseHeader = require('mailauth/lib/parse-dkim-headers');

function failed(code) {
  const error = new Error(code);
  error.code = code;
  return error;
}

// zone: a list of [name, text]; "FAILED" as a text is nobody's answer.
function resolver(zone) {
  return async (name, type) => {
    const lower = name.toLowerCase().replace(/\.$/, '');
    const texts = zone.filter(([owner]) => owner.toLowerCase() === lower).map(([, text]) => text);
    if (texts.includes('FAILED')) throw failed('ESERVFAIL');
    if (texts.length && type === 'TXT') return texts.map((text) => [text]);
    const below = zone.some(([owner]) => owner.toLowerCase() === lower || owner.toLowerCase().endsWith('.' + lower));
    throw failed(below ? 'ENODATA' : 'ENOTFOUND');
  };
}

const actions = {
  async dmarc(job) {
    const result = await dmarc({
      headerFrom: [job.author], spfDomains: job.spf ? [{ domain: job.spf }] : [],
      dkimDomains: job.dkim.map((domain) => ({ domain })), resolver: resolver(job.zone), strict: job.strict,
    });
    if (!result) return { result: 'none' };
    return {
      result: result.status.result, policy: result.policy, domain: result.policyDomain, organization: result.domain,
      spf: result.alignment && result.alignment.spf.result, dkim: result.alignment && result.alignment.dkim.result,
    };
  },
  async arc(job) {
    const seen = await dkimVerify(Buffer.from(job.message, 'base64'), { resolver: resolver(job.zone) });
    const result = await arc(seen.arc, { resolver: resolver(job.zone) });
    return { result: result ? result.status.result : 'none', comment: result && result.status.comment, count: result && result.i };
  },
  async seal(job) {
    const headers = await sealMessage(Buffer.from(job.message, 'base64'), {
      signingDomain: job.domain, selector: job.selector, privateKey: job.key, algorithm: job.algorithm,
      authResults: job.results, cv: job.cv, signTime: job.time,
    });
    return { headers: Buffer.from(headers).toString('utf8') };
  },
  async results(job) {
    return parseHeader(job.field);
  },
};

const jobs = JSON.parse(readFileSync(0, 'utf8'));
const out = [];
for (const job of jobs) {
  try {
    out.push(await actions[job.action](job));
  } catch (e) {
    out.push({ error: String(e.stack || e) });
  }
}
process.stdout.write(JSON.stringify(out));

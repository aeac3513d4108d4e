// SPDX-License-Identifier: ISC
// npm's mailauth checks SPF: a line of JSON {names: {NAME: {TYPE: [...]}}, ip, helo, sender} in, {result, comment} out.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const { spf } = createRequire(import.meta.url)('mailauth/lib/spf');

const refuse = (code) => {
    throw Object.assign(new Error(code), { code });
};

const resolver = (names) => async (name, type) => {
    const rows = names[name.toLowerCase().replace(/\.$/, '')];

    if (rows === undefined) {
        refuse(Object.keys(names).some((other) => other.endsWith('.' + name.toLowerCase())) ? 'ENODATA' : 'ENOTFOUND');
    }
    if (rows[type] === undefined) {
        refuse(rows.TIMEOUT ? 'ETIMEOUT' : 'ENODATA');
    }
    if (type === 'MX') {
        return rows[type].map(([priority, exchange]) => ({ priority, exchange }));
    }
    return type === 'TXT' ? rows[type].map((text) => [text]) : rows[type];
};

for await (const line of createInterface({ input: process.stdin })) {
    const { names, ...asked } = JSON.parse(line);
    const { status } = await spf({ ...asked, mta: 'receiver.example', strict: true, resolver: resolver(names) });

    process.stdout.write(JSON.stringify({ result: status.result, comment: String(status.comment) }) + '\n');
}

// SPDX-License-Identifier: ISC
// What npm's mailauth finds out about the message on standard input: judge_oracle.mjs PORT IP HELO SENDER, of the name server at
// PORT. Only its parts are loaded: what it has for BIMI wants a newer Node than Debian's.
import dns from "node:dns";
import { createRequire } from "node:module";

const require = createRequire(process.cwd() + "/");
const { spf } = require("mailauth/lib/spf");
const { dkimVerify } = require("mailauth/lib/dkim/verify");
const { dmarc } = require("mailauth/lib/dmarc");
const [port, ip, helo, sender] = process.argv.slice(2);
const server = new dns.promises.Resolver({ timeout: 2000, tries: 1 });
server.setServers([`127.0.0.1:${port}`]);
const resolver = (name, type) => server.resolve(name, type);
const chunks = [];
for await (const chunk of process.stdin)
	chunks.push(chunk);
const client = await spf({ sender, ip, helo, mta: "localhost", resolver });
const signed = await dkimVerify(Buffer.concat(chunks), { resolver, sender });
const right = (r) => r.status.result === "pass";
const policy = await dmarc({ headerFrom: signed.headerFrom, resolver,
	spfDomains: right(client) ? [{ domain: client.domain }] : [],
	dkimDomains: signed.results.filter(right).map((r) => ({ domain: r.signingDomain })) });
console.log(JSON.stringify({ spf: client.status.result, dkim: signed.results.map((r) => r.status.result),
	dmarc: policy ? policy.status.result : "none" }));

// SPDX-License-Identifier: ISC
// OpenPGP.js behind one JSON object on standard input and one on standard output.
import { readFileSync } from 'node:fs';

const job = JSON.parse(readFileSync(0, 'utf8'));
const openpgp = await import(job.module || 'openpgp');
const { readKey, readPrivateKey, readMessage, readSignature, createMessage } = openpgp;

const readKeys = (texts) => Promise.all((texts || []).map((armoredKey) => readKey({ armoredKey })));

async function privateKey(j) {
  const key = await readPrivateKey({ armoredKey: j.key });
  return j.password ? openpgp.decryptKey({ privateKey: key, passphrase: j.password }) : key;
}

async function judge(signatures) {
  const good = [];
  for (const s of signatures) {
    try {
      await s.verified;
      good.push(s.keyID.toHex());
    } catch (e) {
      good.push('bad: ' + e.message);
    }
  }
  return good;
}

const actions = {
  async generate(j) {
    const { privateKey: key, publicKey } = await openpgp.generateKey({
      type: j.type || (j.v6 ? 'curve25519' : 'ecc'), curve: j.curve, rsaBits: j.bits,
      userIDs: [{ name: 'Peer', email: 'peer@example.org' }],
      passphrase: j.password, config: { v6Keys: j.v6, aeadProtect: j.v6, ...j.config },
    });
    return { key, cert: publicKey };
  },
  // What it thinks of a certificate: each part by whether it verifies.
  async certificate(j) {
    const cert = await readKey({ armoredKey: j.cert });
    const word = (promise) => promise.then(() => 'good', (e) => e.message);
    const expires = await cert.getExpirationTime();
    return {
      fingerprint: cert.getFingerprint(), revoked: await cert.isRevoked(), primary: await word(cert.verifyPrimaryKey()),
      expires: expires === Infinity ? 0 : Math.round(expires / 1000),
      users: await Promise.all(cert.users.map((u) => word(u.verify()))),
      subkeys: await Promise.all(cert.subkeys.map((k) => word(k.verify()))),
      signs: await word(cert.getSigningKey()), encrypts: await word(cert.getEncryptionKey()),
    };
  },
  async encrypt(j) {
    const message = await createMessage({ text: j.text });
    const signingKeys = j.key ? await privateKey(j) : undefined;
    const encryptionKeys = await readKeys(j.certs);
    const more = { wildcard: j.hidden, config: j.config };
    return { message: await openpgp.encrypt({ message, encryptionKeys, signingKeys, passwords: j.passwords, ...more }) };
  },
  async decrypt(j) {
    const { data, signatures } = await openpgp.decrypt({
      message: await readMessage({ armoredMessage: j.message }), verificationKeys: await readKeys(j.certs),
      decryptionKeys: j.key ? await privateKey(j) : undefined, passwords: j.passwords,
    });
    return { text: data, signatures: await judge(signatures) };
  },
  async sign(j) {
    const message = await createMessage({ text: j.text });
    return { signature: await openpgp.sign({ message, signingKeys: await privateKey(j), detached: true }) };
  },
  async verify(j) {
    const { signatures } = await openpgp.verify({
      message: await createMessage({ text: j.text }), verificationKeys: await readKeys(j.certs),
      signature: await readSignature({ armoredSignature: j.signature }),
    });
    return { signatures: await judge(signatures) };
  },
  async revoked(j) {
    return { revoked: await Promise.all((await readKeys(j.certs)).map((key) => key.isRevoked())) };
  },
  async clearsign(j) {
    const message = await openpgp.createCleartextMessage({ text: j.text });
    return { message: await openpgp.sign({ message, signingKeys: await privateKey(j) }) };
  },
  async verifyCleartext(j) {
    const message = await openpgp.readCleartextMessage({ cleartextMessage: j.message });
    const { data, signatures } = await openpgp.verify({ message, verificationKeys: await readKeys(j.certs) });
    return { text: data, signatures: await judge(signatures) };
  },
  // LibrePGP's version 5: a bare secret key packet gets a user ID, then signs.
  async signVersion5(j) {
    const config = { ...openpgp.config, enableParsingV5Entities: true };
    const known = { [openpgp.enums.packet.secretKey]: openpgp.SecretKeyPacket };
    const packets = await openpgp.PacketList.fromBinary(Buffer.from(j.packet, 'hex'), known, config);
    const { privateKey: key } = await openpgp.reformatKey({
      privateKey: new openpgp.PrivateKey(packets), userIDs: [{ email: 'libre@example.org' }], format: 'object', config,
    });
    const sign = async (more, detached) => openpgp.sign({
      message: await createMessage({ text: j.text, ...more }), signingKeys: key, detached, config,
    });
    return {
      cert: key.toPublic().armor(), signature: await sign({}, true), message: await sign({ filename: 'a.txt' }, false),
      clear: await openpgp.sign({
        message: await openpgp.createCleartextMessage({ text: j.text }), signingKeys: key, config,
      }),
    };
  },
  async signInline(j) {
    const message = await createMessage({ text: j.text });
    return { message: await openpgp.sign({ message, signingKeys: await privateKey(j) }) };
  },
  async verifyInline(j) {
    const message = await readMessage({ armoredMessage: j.message });
    const { data, signatures } = await openpgp.verify({ message, verificationKeys: await readKeys(j.certs) });
    return { text: data, signatures: await judge(signatures) };
  },
};

process.stdout.write(JSON.stringify(await actions[job.action](job)));

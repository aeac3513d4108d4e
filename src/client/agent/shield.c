/* SPDX-License-Identifier: ISC */
#include "client/agent/shield.h"

#include <poll.h>

#include "crypto/hash.h"
#include "crypto/random.h"

#define KEY_SIZE 32u

static int hold_ms;

void
agent_shield_hold(int ms)
{
	hold_ms = ms;
}

void
agent_shield_pause(void)
{
	if (hold_ms > 0)
		(void)poll(NULL, 0, hold_ms);
}

int
agent_shield_init(struct agent_shield *s, struct error *e)
{
	return random_bytes(s->prekey, sizeof s->prekey, e);
}

static int
cipher_for(const struct agent_shield *s, enum cipher_way way, struct aead **out, struct error *e)
{
	SECRET_OWNED struct secret key = SECRET_EMPTY;
	int rc = secret_new(&key, KEY_SIZE, e);

	if (rc == 0)
		rc = hash_once(HASH_SHA256, slice_of(s->prekey, sizeof s->prekey), key.data, e);
	return rc == 0 ? aead_new(AEAD_OCB, CIPHER_AES256, way, secret_slice(&key), out, e) : rc;
}

int
agent_shield_close(const struct agent_shield *s, struct slice plain, uint8_t *out, struct error *e)
{
	uint8_t *text = out + AGENT_SHIELD_NONCE;
	struct aead *a;
	int rc = random_bytes(out, AGENT_SHIELD_NONCE, e);

	if (rc == 0)
		rc = cipher_for(s, CIPHER_ENCRYPT, &a, e);
	if (rc != 0)
		return rc;
	rc = aead_seal(
	    a, slice_of(out, AGENT_SHIELD_NONCE), SLICE_EMPTY, plain.data, plain.len, text, text + plain.len, e);
	aead_free(a);
	return rc;
}

int
agent_shield_open(const struct agent_shield *s, struct slice shielded, struct secret *out, struct error *e)
{
	struct slice nonce = slice_sub(shielded, 0, AGENT_SHIELD_NONCE);
	const uint8_t *text = shielded.data + AGENT_SHIELD_NONCE;
	size_t len = shielded.len - AGENT_SHIELD_MORE;
	struct secret plain = SECRET_EMPTY;
	struct aead *a;
	int rc;

	if (shielded.len < AGENT_SHIELD_MORE)
		return error_set(e, ERR_INTERNAL, "a shielded secret is too short");
	rc = secret_new(&plain, len, e);
	if (rc != 0)
		return rc;
	rc = cipher_for(s, CIPHER_DECRYPT, &a, e);
	if (rc == 0) {
		rc = aead_open(a, nonce, SLICE_EMPTY, text, len, plain.data, text + len, e);
		agent_shield_pause();
		aead_free(a);
	}
	if (rc == 0)
		*out = secret_take(&plain);
	secret_done(&plain);
	return rc;
}

/* SPDX-License-Identifier: ISC */
#include "client/letters.h"

#include "base/mem.h"
#include "client/autocrypt.h"
#include "client/key/finding.h"
#include "mime/address.h"
#include "mime/word.h"
#include "os/terminal.h"
#include "trust/why.h"

#define FIELD_ARENA (1u << 20)

/* ---- opening everything ---- */

static int
open_mailbox(struct letters *l, struct error *e)
{
	struct buf password;
	int rc = 0;

	if (l->common->password_fd < 0)
		rc = lazy_keys_agent(&l->keys, e);
	buf_init(&password, TERMINAL_SECRET_MAX);
	if (rc == 0)
		rc = client_password(l->common, l->keys.agent, l->account.address, &password, e);
	if (rc == 0)
		rc = mailbox_open(&l->mailbox, &l->account, buf_slice(&password), e);
	buf_wipe_done(&password);
	return rc;
}

int
letters_begin(struct letters *l, const struct common *c, struct error *e)
{
	int rc;

	*l = (struct letters){ .common = c };
	rc = account_load(&l->account, e);
	if (rc == 0)
		rc = keyring_open(&l->keyring, e);
	if (rc == 0)
		rc = lazy_keys_init(&l->keys, &l->keyring, c, e);
	if (rc == 0)
		rc = open_mailbox(l, e);
	return rc == 0 ? mirror_open(&l->mirror, &l->account, &l->mailbox, e) : rc;
}

void
letters_end(struct letters *l)
{
	if (l->mailbox.net != NULL)
		mailbox_close(&l->mailbox);
	lazy_keys_done(&l->keys);
	keyring_close(&l->keyring);
}

/* ---- certificates of signers ---- */

struct signer_search {
	struct letters *letters;
	struct slice raw;
	bool asked;
};

static int
add_cert(struct pgp_certs *out, struct pgp_cert *cert, struct error *e)
{
	struct pgp_cert **items = mem_realloc(out->items, (out->count + 1) * sizeof(struct pgp_cert *));

	if (items == NULL) {
		pgp_cert_free(cert);
		return error_nomem(e);
	}
	out->items = items;
	out->items[out->count++] = cert;
	return 0;
}

/* Every certificate here that has the key; how many. */
static int
find_here(struct letters *l, const struct letter_wanted *wanted, struct pgp_certs *out, size_t *count, struct error *e)
{
	const struct pgp_fingerprint *f = wanted->fingerprint.len > 0 ? &wanted->fingerprint : NULL;
	const struct trust_entry *found[TRUST_CANDIDATES_MAX];
	struct pgp_cert *cert;
	int rc = 0;

	*count = 0;
	if (f == NULL && wanted->key_id == 0)
		return 0;
	*count = trust_store_find_key(l->keyring.certs, f, wanted->key_id, found, TRUST_CANDIDATES_MAX);
	for (size_t i = 0; i < *count && rc == 0; i++) {
		rc = trust_store_load(l->keyring.certs, &found[i]->fingerprint, &cert, e);
		if (rc == 0)
			rc = add_cert(out, cert, e);
	}
	return rc;
}

/* The one address of the outer From, as the directory will be asked for it; false without one. */
static bool
outer_sender(struct slice raw, struct arena *a, struct buf *out)
{
	struct mime_header h;
	struct mime_address m;

	return mime_header_parse(raw, a, &h, NULL) == 0 &&
	    mime_address_parse_one(mime_header_value(&h, "From"), a, &m, NULL) == 0 && mime_address_spec(&m, out) == 0;
}

/*
 * A directory that cannot be reached is no reason not to show the letter. Only our own exchange is asked: a stranger's
 * server must not learn by that when his letter is read.
 */
static void
ask_directory(struct signer_search *s)
{
	BUF_OWNED struct buf address = { .max = TRUST_ADDRESS_MAX };
	struct arena a;

	s->asked = true;
	arena_init(&a, FIELD_ARENA);
	if (outer_sender(s->raw, &a, &address))
		(void)finding_at_exchange(&s->letters->keyring, &s->letters->account, buf_slice(&address), NULL);
	arena_done(&a);
}

/*
 * Whose key only came along with his mail, though our own exchange could say more: it is that of his domain. Strangers'
 * keys are not asked for again with each letter.
 */
static bool
could_be_believed(struct signer_search *s)
{
	BUF_OWNED struct buf address = { .max = TRUST_ADDRESS_MAX };
	const struct trust_entry *entry;
	bool could = false;
	struct arena a;

	arena_init(&a, FIELD_ARENA);
	if (outer_sender(s->raw, &a, &address)) {
		size_t at = slice_find_last(buf_slice(&address), '@');

		entry = trust_store_choose(s->letters->keyring.certs, buf_slice(&address), NULL);
		could = entry != NULL && !trust_is_believed(entry) && at != SIZE_MAX &&
		    slice_ieq(slice_from(buf_slice(&address), at + 1), account_domain(&s->letters->account));
	}
	arena_done(&a);
	return could;
}

static int
find_signer(void *ctx, const struct letter_wanted *wanted, struct pgp_certs *out, struct error *e)
{
	struct signer_search *s = ctx;
	size_t count;
	int rc = find_here(s->letters, wanted, out, &count, e);

	if (rc != 0 || s->asked || (count > 0 && !could_be_believed(s)))
		return rc;
	ask_directory(s);
	return count > 0 ? 0 : find_here(s->letters, wanted, out, &count, e);
}

/* ---- one letter ---- */

static const struct pgp_cert *const *
const_certs(struct pgp_cert *const *certs)
{
	union {
		struct pgp_cert *const *in;
		const struct pgp_cert *const *out;
	} u = { certs };

	return u.out;
}

int
letters_open(struct letters *l, uint32_t uid, struct letter_view *out, struct error *e)
{
	struct signer_search search = { .letters = l };
	struct letter_open_spec spec = { .own = const_certs(l->keys.own.items),
		.own_count = l->keys.own.count,
		.keys = lazy_keys_ops(&l->keys),
		.certs = { .find = find_signer, .ctx = &search },
		.policy = &l->keyring.policy };
	int rc;

	*out = (struct letter_view){ .uid = uid };
	buf_init(&out->raw, MIRROR_MESSAGE_MAX);
	rc = mirror_read(&l->mirror, &l->mailbox, uid, &out->raw, e);
	search.raw = buf_slice(&out->raw);
	if (rc == 0)
		autocrypt_take(&l->keyring, search.raw, l->account.address);
	if (rc == 0)
		rc = letter_open(search.raw, &spec, &out->opened, e);
	if (rc == 0)
		autocrypt_take_gossip(&l->keyring, out->opened, l->account.address);
	return rc;
}

void
letter_view_done(struct letter_view *v)
{
	letter_opened_free(v->opened);
	v->opened = NULL;
	buf_done(&v->raw);
}

const struct trust_entry *
letters_signer(const struct letters *l, const struct letter_view *v)
{
	const struct letter_verdict *verdict = letter_opened_verdict(v->opened);

	return verdict->signer.len == 0 ? NULL : trust_store_find(l->keyring.certs, &verdict->signer);
}

int
letters_parse_number(const char *text, uint32_t *uid_out, struct error *e)
{
	uint64_t n;

	if (!slice_to_u64(slice_str(text), UINT32_MAX, &n) || n == 0)
		return error_set(e, ERR_USAGE, "'%.40s' is no message's number; `letterlock inbox` shows them", text);
	*uid_out = (uint32_t)n;
	return 0;
}

void
letter_view_field(const struct letter_view *v, const char *name, struct buf *out)
{
	struct slice value;

	if (letter_opened_field(v->opened, name, &value, NULL))
		(void)mime_text_decode(value, out);
}

bool
letters_sender(const struct letter_view *v, struct buf *out)
{
	struct mime_address m;
	struct slice value;
	struct arena a;
	bool one;

	if (!letter_opened_field(v->opened, "From", &value, NULL))
		return false;
	arena_init(&a, FIELD_ARENA);
	one = mime_address_parse_one(value, &a, &m, NULL) == 0 && mime_address_spec(&m, out) == 0;
	arena_done(&a);
	return one;
}

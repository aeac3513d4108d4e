/* SPDX-License-Identifier: ISC */
#include "openpgp/message/decrypt.h"

#include "openpgp/key/algorithm.h"
#include "openpgp/frame/armor.h"
#include "openpgp/message/decrypt_keys.h"
#include "openpgp/frame/inflate_source.h"

#define NO_TIME (UINT64_MAX - 1) /* after every date of a policy: the strictest */

/* One run over one message. */
struct run {
	const struct pgp_decrypt_spec *spec;
	struct pgp_plain plain;
	struct pgp_decrypt_result *result;
	struct pgp_policy policy; /* of the spec, or the default */
	struct esk esk;
	unsigned depth; /* containers and compressed packets that we are in */
	bool inside;    /* of a container */
};

/* One sequence of packets: a message, what signs it, and what may be passed over. */
struct level {
	struct pgp_packets packets;
	size_t one_pass; /* without their signature yet */
	bool signatures; /* any signature or one-pass packet */
	bool message;    /* the message itself has been read */
};

static int walk(struct run *run, struct pgp_source in, struct error *e);

/* ---- signatures ---- */

static int
get_whole(struct level *l, size_t max, struct buf *out, struct error *e)
{
	buf_init(out, max);
	return pgp_packets_whole(&l->packets, max, out, e);
}

static int
on_one_pass(struct run *run, struct level *l, struct error *e)
{
	BUF_OWNED struct buf body = { 0 };
	int rc = get_whole(l, PGP_ONE_PASS_BODY_MAX, &body, e);

	l->one_pass++;
	l->signatures = true;
	if (rc == 0 && l->one_pass > PGP_SIGNATURES_MAX)
		rc = error_set(e, ERR_LIMIT, "the message has more than %u signatures", PGP_SIGNATURES_MAX);
	if (rc == 0 && run->spec->verifier != NULL)
		rc = pgp_verifier_one_pass(run->spec->verifier, buf_slice(&body), e);
	return rc;
}

/* In front of the message: the old form, without a one-pass packet. Behind it: the end of a pair. */
static int
on_signature(struct run *run, struct level *l, struct error *e)
{
	struct pgp_verifier *v = run->spec->verifier;
	BUF_OWNED struct buf body = { 0 };
	int rc;

	if (l->message && l->one_pass == 0)
		return error_set_at(
		    e, ERR_SYNTAX, l->packets.offset, "a signature follows the message that nothing announced");
	rc = get_whole(l, PGP_SIG_BODY_MAX, &body, e);
	l->signatures = true;
	if (rc == 0 && ++run->result->signature_count > PGP_SIGNATURES_MAX)
		rc = error_set(e, ERR_LIMIT, "the message has more than %u signatures", PGP_SIGNATURES_MAX);
	if (rc == 0 && v != NULL)
		rc = l->message ? pgp_verifier_signature(v, buf_slice(&body), e)
				: pgp_verifier_expect(v, buf_slice(&body), e);
	if (l->message)
		l->one_pass--;
	return rc;
}

/* ---- literal data ---- */

static int
copy_literal(struct run *run, struct level *l, struct error *e)
{
	struct pgp_decrypt_result *result = run->result;
	struct slice piece;
	int rc;

	for (;;) {
		rc = pgp_packets_body(&l->packets, &piece, e);
		if (rc != 0 || piece.len == 0)
			return rc;
		if (run->spec->output_max != 0 && piece.len > run->spec->output_max - result->length)
			return error_set(e, ERR_LIMIT,
			    "the message holds more than the %llu octets that are wanted of it",
			    (unsigned long long)run->spec->output_max);
		result->length += piece.len;
		if (run->spec->verifier != NULL)
			rc = pgp_verifier_feed(run->spec->verifier, piece, e);
		if (rc == 0)
			rc = run->plain.ops->write(run->plain.ctx, piece, e);
		if (rc != 0)
			return rc;
	}
}

/* AEAD has proven what comes; SEIPDv1 will; nothing else ever. */
static bool
is_held(const struct run *run)
{
	switch (run->result->container) {
	case PGP_CONTAINER_SEIPD2:
	case PGP_CONTAINER_LIBRE:
		return false;
	case PGP_CONTAINER_SEIPD1:
		return !run->spec->release_unproven;
	case PGP_CONTAINER_NONE:
	case PGP_CONTAINER_SED:
		break;
	}
	return true;
}

static int
on_literal(struct run *run, struct level *l, struct error *e)
{
	struct pgp_literal *literal = &run->result->literal;
	uint8_t head[2], name[255], date[4];
	int rc;

	if (!run->inside && !run->spec->unencrypted)
		return error_set(e, ERR_POLICY, "the message is not encrypted");
	l->message = true;
	rc = pgp_packets_get(&l->packets, head, sizeof head, e);
	if (rc == 0)
		rc = pgp_packets_get(&l->packets, name, head[1], e); /* never used: it is nobody's word, and no path */
	if (rc == 0)
		rc = pgp_packets_get(&l->packets, date, sizeof date, e);
	if (rc != 0)
		return rc;
	literal->format = head[0];
	literal->date = (uint32_t)date[0] << 24 | (uint32_t)date[1] << 16 | (uint32_t)date[2] << 8 | date[3];
	literal->held = is_held(run);
	if (run->spec->verifier != NULL)
		rc = pgp_verifier_literal(run->spec->verifier, head[0], slice_of(name, head[1]), literal->date, e);
	if (rc != 0)
		return rc;
	rc = run->plain.ops->begin(run->plain.ctx, literal, e);
	return rc == 0 ? copy_literal(run, l, e) : rc;
}

/* ---- what holds another message ---- */

static int
enter(struct run *run, struct pgp_source in, struct error *e)
{
	int rc;

	if (++run->depth > PGP_NESTING_MAX)
		return error_set(e, ERR_LIMIT, "the message is packed more than %u times into itself", PGP_NESTING_MAX);
	rc = walk(run, in, e);
	run->depth--;
	return rc;
}

static int
on_compressed(struct run *run, struct level *l, struct error *e)
{
	struct inflate_source *z;
	int rc = inflate_source_new(&l->packets, &z, e);

	if (rc != 0)
		return rc;
	l->message = true;
	rc = enter(run, inflate_source_source(z), e);
	inflate_source_free(z);
	return rc;
}

/*
 * What is wrong inside says something only when the whole is proven: else an
 * attacker who changes ciphertext could ask us questions about the plaintext.
 */
static int
integrity_first(struct pgp_source container, int rc, struct error *e)
{
	struct error end = { 0 };
	struct slice piece;
	int end_rc;

	if (rc != ERR_SYNTAX && rc != ERR_TRUNCATED && rc != ERR_UNSUPPORTED && rc != ERR_LIMIT && rc != ERR_POLICY)
		return rc;
	do
		end_rc = pgp_source_next(container, &piece, &end);
	while (end_rc == 0 && piece.len > 0);
	return end_rc == 0 ? rc : error_set(e, end_rc, "%s", end.text);
}

static int
check_policy(
    const struct pgp_policy *policy, uint8_t type, const struct pgp_seipd_head *head, uint8_t cipher, struct error *e)
{
	uint8_t version = head->container == PGP_CONTAINER_SEIPD2 ? 2 : 1;
	int rc = type == PGP_SED ? 0 : pgp_policy_container(policy, type, version, PGP_USE_DECRYPT, e);

	return rc == 0 ? pgp_policy_cipher(policy, cipher, PGP_USE_DECRYPT, e) : rc;
}

/* Of several candidates the one that opens the first chunk; the last one's error tells of none. */
static int
choose_reader(struct pgp_seipd_reader *reader, const struct pgp_seipd_head *head, const struct esk_list *list,
    size_t *at_out, struct error *e)
{
	bool opens = false;
	int rc = 0;

	*at_out = 0;
	for (size_t i = 0; rc == 0 && !opens && i < list->count && list->count > 1; i++) {
		rc = pgp_seipd_reader_try(reader, head, &list->items[i].session, &opens, e);
		*at_out = i;
	}
	return rc;
}

static int
read_container(struct run *run, struct level *l, uint8_t type, const struct pgp_seipd_head *head, struct esk_list *list,
    struct error *e)
{
	struct pgp_decrypt_result *result = run->result;
	uint8_t cipher = pgp_seipd_is_cfb(head->container) ? list->items[0].session.cipher : head->cipher;
	struct pgp_seipd_reader *reader;
	size_t at = 0;
	int rc = check_policy(&run->policy, type, head, cipher, e);

	if (rc != 0)
		return rc;
	result->container = head->container;
	result->cipher = cipher;
	result->aead = head->aead;
	rc = pgp_seipd_reader_new(&l->packets, head, &list->items[0].session, run->spec->hasher, &reader, e);
	if (rc != 0)
		return rc;
	rc = choose_reader(reader, head, list, &at, e);
	result->key = list->items[at].key;
	result->session =
	    (struct pgp_session){ list->items[at].session.cipher, secret_take(&list->items[at].session.key) };
	run->inside = true;
	if (rc == 0)
		rc =
		    integrity_first(pgp_seipd_reader_source(reader), enter(run, pgp_seipd_reader_source(reader), e), e);
	run->inside = false;
	pgp_seipd_reader_free(reader);
	return rc;
}

static int
open_container(struct run *run, struct level *l, uint8_t type, struct error *e)
{
	struct esk_list list = { .count = 0 };
	struct pgp_seipd_head head;
	int rc = pgp_seipd_head_read(&l->packets, type, &head, e);

	if (rc == 0)
		rc = esk_choose(&run->esk, run->spec, &run->policy, &head, &list, e);
	if (rc == 0)
		rc = read_container(run, l, type, &head, &list, e);
	esk_list_done(&list);
	return rc;
}

static int
on_container(struct run *run, struct level *l, uint8_t type, struct error *e)
{
	if (run->depth > 0 || l->signatures)
		return error_set(e, ERR_SYNTAX, "an encrypted message stands inside another one or behind a signature");
	l->message = true;
	return open_container(run, l, type, e);
}

static int
on_seipd(struct run *run, struct level *l, struct error *e)
{
	return on_container(run, l, PGP_SEIPD, e);
}

static int
on_libre(struct run *run, struct level *l, struct error *e)
{
	return on_container(run, l, PGP_AEAD_LIBRE, e);
}

static int
on_sed(struct run *run, struct level *l, struct error *e)
{
	if (!run->spec->accept_unauthenticated_old_packet &&
	    pgp_policy_container(&run->policy, PGP_SED, 0, PGP_USE_DECRYPT, NULL) != 0)
		return error_set(e, ERR_POLICY,
		    "the message is encrypted without integrity protection (packet type 9): anybody could have changed "
		    "it (rule no-mdc)");
	return on_container(run, l, PGP_SED, e);
}

static int
on_session_key(struct run *run, struct level *l, bool passphrase, struct error *e)
{
	BUF_OWNED struct buf body = { 0 };
	int rc;

	if (run->depth > 0 || l->signatures)
		return error_set(e, ERR_SYNTAX, "an encrypted message stands inside another one or behind a signature");
	rc = get_whole(l, PGP_ESK_BODY_MAX, &body, e);
	if (rc != 0)
		return rc;
	if (passphrase)
		return esk_skesk(&run->esk, buf_slice(&body), e);
	if (++run->result->recipient_count > PGP_RECIPIENTS_MAX)
		return error_set(e, ERR_LIMIT, "the message has more than %u recipients", PGP_RECIPIENTS_MAX);
	return esk_pkesk(&run->esk, run->spec, buf_slice(&body), e);
}

static int
on_pkesk(struct run *run, struct level *l, struct error *e)
{
	return on_session_key(run, l, false, e);
}

static int
on_skesk(struct run *run, struct level *l, struct error *e)
{
	return on_session_key(run, l, true, e);
}

/* ---- the grammar ---- */

static const struct packet_row {
	uint8_t type;
	bool behind;   /* may stand behind the message, too */
	bool with_esk; /* may follow session key packets */
	int (*read)(struct run *run, struct level *l, struct error *e);
} rows[] = {
	{ PGP_PKESK, false, true, on_pkesk },
	{ PGP_SKESK, false, true, on_skesk },
	{ PGP_SEIPD, false, true, on_seipd },
	{ PGP_SED, false, true, on_sed },
	{ PGP_AEAD_LIBRE, false, true, on_libre },
	{ PGP_ONE_PASS, false, false, on_one_pass },
	{ PGP_SIGNATURE, true, false, on_signature },
	{ PGP_COMPRESSED, false, false, on_compressed },
	{ PGP_LITERAL, false, false, on_literal },
};

static int
on_packet(struct run *run, struct level *l, uint8_t type, struct error *e)
{
	if (type == PGP_MARKER || type == PGP_PADDING || !pgp_type_critical(type))
		return 0; /* passed over by the next pgp_packets_next() */
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (rows[i].type != type)
			continue;
		if (l->message && !rows[i].behind)
			return error_set_at(
			    e, ERR_SYNTAX, l->packets.offset, "a packet of type %u follows the message", type);
		if (!l->message && run->esk.seen && run->depth == 0 && !rows[i].with_esk)
			return error_set_at(e, ERR_SYNTAX, l->packets.offset,
			    "session keys stand in front of a packet of type %u, which is not encrypted", type);
		return rows[i].read(run, l, e);
	}
	return error_set_at(e, ERR_SYNTAX, l->packets.offset, "a packet of type %u has no place in a message", type);
}

/* Where it happened: of a packet in a packet the way down is told. */
static int
say_where(uint8_t type, uint64_t at, int rc, struct error *e)
{
	if (rc != ERR_SYNTAX && rc != ERR_TRUNCATED && rc != ERR_UNSUPPORTED && rc != ERR_LIMIT && rc != ERR_INTEGRITY)
		return rc;
	(void)error_context(e, "packet of type %u at octet %llu", type, (unsigned long long)at);
	if (e != NULL)
		e->offset = at;
	return rc;
}

static int
walk(struct run *run, struct pgp_source in, struct error *e)
{
	struct level l = { .message = false };
	struct pgp_header header;
	uint64_t at;
	int rc;

	pgp_packets_init(&l.packets, in);
	while ((rc = pgp_packets_next(&l.packets, &header, e)) > 0) {
		at = l.packets.offset - header.size;
		rc = on_packet(run, &l, header.type, e);
		if (rc != 0)
			return say_where(header.type, at, rc, e);
	}
	if (rc != 0)
		return rc;
	if (!l.message)
		return error_set_at(
		    e, ERR_SYNTAX, l.packets.offset, "there is no message: its packets end without one");
	if (l.one_pass > 0)
		return error_set_at(
		    e, ERR_TRUNCATED, l.packets.offset, "the message is cut: an announced signature is missing");
	return 0;
}

int
pgp_decrypt(struct pgp_source in, const struct pgp_decrypt_spec *spec, struct pgp_plain plain,
    struct pgp_decrypt_result *result, struct error *e)
{
	struct run run = { .spec = spec, .plain = plain, .result = result };
	struct pgp_armor_reader *armor;
	int rc;

	run.policy = spec->policy != NULL ? *spec->policy : pgp_policy_default(NO_TIME);
	*result = (struct pgp_decrypt_result){ .container = PGP_CONTAINER_NONE };
	rc = pgp_armor_reader_new(in, &armor, e);
	if (rc == 0) {
		esk_init(&run.esk);
		rc = walk(&run, pgp_armor_reader_source(armor), e);
		esk_done(&run.esk);
		pgp_armor_reader_free(armor);
	}
	if (rc == 0)
		rc = plain.ops->commit(plain.ctx, e);
	if (rc != 0)
		plain.ops->abort(plain.ctx);
	return rc;
}

/* ---- into memory ---- */

static int
buf_begin(void *ctx, const struct pgp_literal *literal, struct error *e)
{
	(void)ctx;
	(void)literal;
	(void)e;
	return 0;
}

static int
buf_plain_write(void *ctx, struct slice data, struct error *e)
{
	int rc = buf_put_slice(ctx, data);

	return rc == 0 ? 0 : error_set(e, rc, "the message is larger than there is room for");
}

static int
buf_commit_all(void *ctx, struct error *e)
{
	(void)ctx;
	(void)e;
	return 0;
}

static void
buf_abort(void *ctx)
{
	struct buf *b = ctx;

	buf_wipe_done(b);
}

struct pgp_plain
pgp_plain_buf(struct buf *out)
{
	static const struct pgp_plain_ops ops = { buf_begin, buf_plain_write, buf_commit_all, buf_abort };

	return (struct pgp_plain){ &ops, out };
}

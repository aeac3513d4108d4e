/* SPDX-License-Identifier: ISC */
/* What a file is, by its beginning. */
#include <string.h>
#include <sys/stat.h>

#include "client/file_command.h"
#include "client/file_stream.h"
#include "openpgp/frame/armor.h"
#include "openpgp/message/session.h"

#define CLEARTEXT "-----BEGIN PGP SIGNED MESSAGE-----"
#define ARMOR_BEGIN "-----BEGIN PGP "
#define HEAD_MAX 65536u /* octets in which armor must begin: mails and README files bring text in front of it */

static void
note_recipient(struct file_look *look, const struct pgp_certs *own, struct slice body)
{
	struct pgp_pkesk p;
	uint64_t id;

	look->recipients++;
	if (pgp_pkesk_parse(body, &p, NULL) != 0)
		return;
	for (size_t i = 0; i < own->count && !look->ours; i++) {
		const struct pgp_key *k;

		for (size_t n = 0; (k = pgp_cert_key(own->items[i], n)) != NULL && !look->ours; n++)
			look->ours = pgp_key_can_encrypt(k) && pgp_pkesk_may_be_for(&p, k);
	}
	id = p.version == 3 ? p.key_id : pgp_fingerprint_key_id(&p.fingerprint);
	if (!p.anonymous && id != 0 && look->key_id_count < FILE_SHOWN_MAX)
		look->key_ids[look->key_id_count++] = id;
}

/* Whether the first octets of a body fit its type: data of any kind may begin with an octet over 127. */
static bool
plausible(uint8_t type, struct slice body)
{
	uint8_t first = body.len > 0 ? body.data[0] : 0;

	switch (type) {
	case PGP_SIGNATURE:
		return first >= 2 && first <= 6;
	case PGP_ONE_PASS:
		return first == 3 || first == 6;
	case PGP_PKESK:
		return first == 2 || first == 3 || first == 6;
	case PGP_SKESK:
		return first >= 4 && first <= 6;
	case PGP_SEIPD:
		return first == 1 || first == 2;
	case PGP_LITERAL:
		return body.len > 0 && strchr("btuml1", first) != NULL && first != 0;
	case PGP_COMPRESSED:
		return first <= 3;
	case PGP_PUBLIC_KEY:
	case PGP_SECRET_KEY:
		return first >= 2 && first <= 6;
	case PGP_MARKER:
		return slice_starts(body, SLICE("PGP"));
	case PGP_SED:
	case PGP_AEAD_LIBRE:
	case PGP_PADDING:
		return true;
	default:
		return false;
	}
}

static enum file_kind
kind_of(uint8_t type)
{
	switch (type) {
	case PGP_PKESK:
	case PGP_SKESK:
	case PGP_SEIPD:
	case PGP_SED:
	case PGP_AEAD_LIBRE:
		return FILE_IS_ENCRYPTED;
	case PGP_ONE_PASS:
	case PGP_LITERAL:
	case PGP_COMPRESSED:
		return FILE_IS_SIGNED;
	case PGP_PUBLIC_KEY:
	case PGP_SECRET_KEY:
		return FILE_IS_CERT;
	default:
		return FILE_IS_OTHER;
	}
}

/* Session key packets until something else comes; signatures until something else or the end comes. */
static void
walk(struct pgp_source in, const struct pgp_certs *own, struct file_look *look)
{
	struct pgp_packets packets;
	struct pgp_header h;
	bool more = true;

	pgp_packets_init(&packets, in);
	while (more && pgp_packets_next(&packets, &h, NULL) == 1) {
		struct slice piece = SLICE_EMPTY;
		BUF_OWNED struct buf body = { .max = 8192 };

		if (pgp_packets_body(&packets, &piece, NULL) != 0 || !plausible(h.type, piece))
			return;
		if (h.type == PGP_MARKER || h.type == PGP_PADDING)
			continue;
		if (h.type == PGP_SIGNATURE) {
			look->kind = FILE_IS_SIGNATURE;
			continue;
		}
		if (look->kind == FILE_IS_SIGNATURE && kind_of(h.type) != FILE_IS_SIGNED)
			return;
		look->kind = kind_of(h.type);
		more = h.type == PGP_PKESK || h.type == PGP_SKESK;
		look->passwords += h.type == PGP_SKESK;
		(void)buf_put_slice(&body, piece);
		if (h.type == PGP_PKESK && pgp_packets_whole(&packets, 8192, &body, NULL) == 0)
			note_recipient(look, own, buf_slice(&body));
	}
}

static int
look_at_head(struct file_source *s, bool *openpgp_out, struct file_look *out, struct error *e)
{
	struct slice head, rest;
	size_t at;
	int rc = pgp_source_next(file_source_source(s), &head, e);

	*openpgp_out = false;
	if (rc != 0 || head.len == 0)
		return rc;
	rest = slice_sub(head, 0, HEAD_MAX);
	at = slice_search(rest, SLICE(ARMOR_BEGIN));
	if (head.data[0] & 0x80)
		*openpgp_out = true;
	else if (at != SIZE_MAX && (at == 0 || rest.data[at - 1] == '\n')) {
		*openpgp_out = !slice_starts(slice_from(rest, at), SLICE(CLEARTEXT));
		out->kind = *openpgp_out ? FILE_IS_OTHER : FILE_IS_CLEARTEXT;
	}
	return 0;
}

int
file_look(const char *path, const struct pgp_certs *own, struct file_look *out, struct error *e)
{
	struct pgp_armor_reader *armor = NULL;
	struct file_source s;
	bool openpgp = false;
	int rc = file_source_open(&s, path, NULL, e);

	*out = (struct file_look){ .kind = FILE_IS_OTHER };
	if (rc == 0)
		rc = look_at_head(&s, &openpgp, out, e);
	file_source_done(&s);
	if (rc != 0 || !openpgp)
		return rc;
	rc = file_source_open(&s, path, NULL, e);
	if (rc == 0)
		rc = pgp_armor_reader_new(file_source_source(&s), &armor, e);
	if (rc == 0)
		walk(pgp_armor_reader_source(armor), own, out);
	pgp_armor_reader_free(armor);
	file_source_done(&s);
	return rc;
}

bool
file_is_stream(const char *path)
{
	struct stat st;

	return strcmp(path, "-") == 0 || (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode));
}

bool
file_is_cut(const char *path)
{
	struct pgp_armor_reader *armor = NULL;
	struct pgp_packets packets;
	struct pgp_header h;
	struct file_source s;
	int rc = file_source_open(&s, path, NULL, NULL);

	if (rc == 0)
		rc = pgp_armor_reader_new(file_source_source(&s), &armor, NULL);
	if (rc == 0) {
		pgp_packets_init(&packets, pgp_armor_reader_source(armor));
		do
			rc = pgp_packets_next(&packets, &h, NULL);
		while (rc == 1);
	}
	pgp_armor_reader_free(armor);
	file_source_done(&s);
	return rc == ERR_TRUNCATED;
}

/* SPDX-License-Identifier: ISC */
/* sign: detached signatures. */
#include <string.h>

#include "base/mem.h"
#include "client/sop/keys.h"

struct signing {
	struct sop_signers signers;
	struct pgp_maker *maker;
	struct sop_text_check check;
	bool text;
};

static int
load(struct signing *s, const struct option_list *keys, const struct option_list *passwords)
{
	int rc = sop_signers_load(&s->signers, keys, passwords);

	return rc != 0 ? rc : sop_signers_maker(&s->signers, s->text, &s->maker);
}

static int
feed(void *ctx, struct slice piece)
{
	struct signing *s = ctx;
	struct error e = { 0 };

	if (s->text) {
		sop_text_feed(&s->check, piece);
		if (s->check.bad)
			return sop_not_text();
	}
	return pgp_maker_feed(s->maker, piece, &e) != 0 ? sop_bad(&e) : SOP_OK;
}

static int
put_micalg(const struct signing *s, const char *file)
{
	char name[32] = "pgp-";
	const char *hash = pgp_hash_text_name(pgp_maker_hash(s->maker));
	size_t n = 4;

	for (; *hash != 0 && n < sizeof name - 1; hash++)
		if (*hash != '-')
			name[n++] = (char)ascii_lower((uint8_t)*hash);
	return sop_write(file, slice_of(name, n));
}

static int
sign_stream(struct signing *s, bool armor, const char *micalg)
{
	struct error e = { 0 };
	struct buf out BUF_OWNED = { 0 };
	int rc = sop_each_block(feed, s);

	buf_init(&out, SOP_INPUT_MAX);
	if (rc == 0 && s->text && !sop_text_good(&s->check))
		rc = sop_not_text();
	if (rc == 0 && pgp_maker_finish(s->maker, false, &out, &e) != 0)
		rc = sop_bad_key(&e);
	if (rc == 0 && micalg != NULL)
		rc = put_micalg(s, micalg);
	return rc != 0 ? rc : sop_put_packets(buf_slice(&out), armor, !s->signers.v6);
}

int
sop_sign(int argc, char **argv)
{
	static struct option_list keys, passwords;
	bool no_armor = false;
	const char *as = NULL, *micalg = NULL;
	const struct option options[] = {
		{ "no-armor", OPTION_FLAG, &no_armor },
		{ "as", OPTION_TEXT, &as },
		{ "micalg-out", OPTION_TEXT, &micalg },
		{ "with-key-password", OPTION_LIST, &passwords },
	};
	struct signing *s;
	int rc = sop_options("sign", argc, argv, options, 4, &keys);

	if (rc != 0)
		return rc;
	if (keys.count == 0)
		return sop_fail(SOP_MISSING_ARG, "sign needs a secret key");
	s = mem_alloc(sizeof *s);
	if (s == NULL)
		return sop_nomem();
	rc = sop_as(as, &s->text);
	if (rc == 0)
		rc = sop_check_output(micalg);
	if (rc == 0)
		rc = load(s, &keys, &passwords);
	if (rc == 0)
		rc = sign_stream(s, !no_armor, micalg);
	pgp_maker_free(s->maker);
	sop_signers_done(&s->signers);
	mem_free(s);
	return rc;
}

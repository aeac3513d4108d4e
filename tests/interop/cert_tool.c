/* SPDX-License-Identifier: ISC */
/*
 * Certificates made and changed on the command line, for tests against other
 * programs only: secrets are unprotected. A key or certificate is read from
 * standard input, armored or not, what comes of it is written binary.
 *
 * A first argument @N does it N seconds ago.
 *
 *	cert_tool generate VERSION FAMILY [direct|apart|auth|sign-only]... [-- USER-ID...]
 *	cert_tool expire N SECONDS-FROM-NOW     N: 0 the primary key, 1 the first subkey; 0 seconds: never
 *	cert_tool add-user USER-ID | primary-user USER-ID | revoke-user USER-ID TEXT
 *	cert_tool add-subkey sign|encrypt|auth FAMILY | revoke-subkey N REASON TEXT
 *	cert_tool revoke REASON TEXT | revocation REASON TEXT | revoke-with FILE
 *	cert_tool certify SIGNERFILE USER-ID [local] [DEPTH AMOUNT REGEX] | uncertify SIGNERFILE USER-ID
 *	cert_tool approve USER-ID | update | merge FILE | canonical | repair
 *	cert_tool offline public|stub | export [for-gpg] | minimise | autocrypt ADDRESS | judge
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/secret.h"
#include "openpgp/frame/armor.h"
#include "openpgp/cert/certify.h"
#include "openpgp/cert/merge.h"
#include "openpgp/judge/verify.h"

#define INPUT_MAX (64u << 20)

struct tool {
	struct pgp_certs in;
	struct pgp_memory_keys *keys;
	struct pgp_policy policy;
	struct pgp_change change;
	struct buf out;
	int argc;
	char **argv; /* behind the verb */
};

static int
wrong(struct error *e)
{
	return error_set(e, ERR_USAGE, "used wrongly");
}

static int
read_all(const char *path, struct buf *out, struct error *e)
{
	FILE *f = path == NULL ? stdin : fopen(path, "rb");
	uint8_t piece[65536];
	size_t n;

	buf_init(out, INPUT_MAX);
	if (f == NULL)
		return error_set(e, ERR_IO, "cannot read %s", path);
	while ((n = fread(piece, 1, sizeof piece, f)) > 0)
		(void)buf_put(out, piece, n);
	if (path != NULL)
		(void)fclose(f);
	return out->err;
}

static int
load(const char *path, struct pgp_certs *out, struct error *e)
{
	BUF_OWNED struct buf b = { 0 };
	int rc = read_all(path, &b, e);

	return rc != 0 ? rc : pgp_certs_parse(buf_slice(&b), out, e);
}

static int
unlock(const struct pgp_cert *c, struct pgp_memory_keys *keys, struct error *e)
{
	const struct pgp_key *k;
	int rc = 0;

	for (size_t n = 0; rc == 0 && (k = pgp_cert_key(c, n)) != NULL; n++) {
		struct secret s = SECRET_EMPTY;

		if (!k->secret || pgp_key_unlock(k, SLICE_EMPTY, &s, NULL) != 0)
			continue;
		rc = pgp_memory_keys_add(keys, k, secret_slice(&s), e);
		secret_done(&s);
	}
	return rc;
}

static long
number(const char *text)
{
	return strtol(text, NULL, 10);
}

static const struct pgp_key *
key_number(const struct tool *t, const char *text)
{
	return pgp_cert_key(t->in.items[0], (size_t)number(text));
}

/* ---- one function a verb ---- */

static int
do_generate(struct tool *t, struct error *e)
{
	struct pgp_generate_spec spec = { .created = (uint32_t)t->policy.now };
	struct slice users[16];
	int i = 2;

	if (t->argc < 2 || !pgp_family_parse(slice_str(t->argv[1]), &spec.family))
		return wrong(e);
	spec.version = (uint8_t)number(t->argv[0]);
	for (; i < t->argc && strcmp(t->argv[i], "--") != 0; i++) {
		spec.direct = spec.direct || strcmp(t->argv[i], "direct") == 0;
		spec.sign_apart = spec.sign_apart || strcmp(t->argv[i], "apart") == 0;
		spec.authenticate = spec.authenticate || strcmp(t->argv[i], "auth") == 0;
		spec.sign_only = spec.sign_only || strcmp(t->argv[i], "sign-only") == 0;
	}
	for (i++; i < t->argc && spec.user_id_count < 16; i++)
		users[spec.user_id_count++] = slice_str(t->argv[i]);
	spec.user_ids = users;
	return pgp_generate(&spec, &t->out, e);
}

static int
do_expire(struct tool *t, struct error *e)
{
	const struct pgp_key *key = t->argc == 2 ? key_number(t, t->argv[0]) : NULL;
	long seconds = t->argc == 2 ? number(t->argv[1]) : 0;

	if (key == NULL)
		return wrong(e);
	return pgp_change_expiry(&t->change, key, seconds == 0 ? 0 : t->policy.now + (uint64_t)seconds, &t->out, e);
}

static int
do_add_user(struct tool *t, struct error *e)
{
	return t->argc != 1 ? wrong(e) : pgp_change_add_user(&t->change, slice_str(t->argv[0]), false, &t->out, e);
}

static int
do_primary_user(struct tool *t, struct error *e)
{
	return t->argc != 1 ? wrong(e) : pgp_change_primary_user(&t->change, slice_str(t->argv[0]), &t->out, e);
}

static int
do_revoke_user(struct tool *t, struct error *e)
{
	return t->argc != 2 ? wrong(e)
			    : pgp_change_revoke_user(&t->change, slice_str(t->argv[0]), PGP_REASON_USER_ID_INVALID,
				  slice_str(t->argv[1]), &t->out, e);
}

static int
do_add_subkey(struct tool *t, struct error *e)
{
	struct pgp_subkey_spec spec = { .flags = PGP_FLAG_ENCRYPT };

	if (t->argc != 2 || !pgp_family_parse(slice_str(t->argv[1]), &spec.family))
		return wrong(e);
	if (strcmp(t->argv[0], "sign") == 0)
		spec.flags = PGP_FLAG_SIGN;
	if (strcmp(t->argv[0], "auth") == 0)
		spec.flags = PGP_FLAG_AUTHENTICATE;
	return pgp_change_add_subkey(&t->change, &spec, PGP_PROTECT_NONE, SLICE_EMPTY, &t->out, e);
}

static int
do_revoke_subkey(struct tool *t, struct error *e)
{
	const struct pgp_key *key = t->argc == 3 ? key_number(t, t->argv[0]) : NULL;

	return key == NULL
	    ? wrong(e)
	    : pgp_change_revoke_subkey(&t->change, key, (uint8_t)number(t->argv[1]), slice_str(t->argv[2]), &t->out, e);
}

static int
do_revoke(struct tool *t, struct error *e)
{
	return t->argc != 2
	    ? wrong(e)
	    : pgp_change_revoke(&t->change, (uint8_t)number(t->argv[0]), slice_str(t->argv[1]), &t->out, e);
}

/* Armored: as a public key block, which is what it is a piece of. */
static int
do_revocation(struct tool *t, struct error *e)
{
	BUF_OWNED struct buf b = { 0 };
	int rc;

	if (t->argc != 2)
		return wrong(e);
	buf_init(&b, INPUT_MAX);
	rc = pgp_generate_revocation(t->change.cert, t->change.keys, (uint8_t)number(t->argv[0]), slice_str(t->argv[1]),
	    (uint32_t)t->policy.now, &b, e);
	return rc != 0 ? rc : pgp_armor_write(PGP_ARMOR_PUBLIC_KEY, true, buf_slice(&b), &t->out, e);
}

static int
do_revoke_with(struct tool *t, struct error *e)
{
	BUF_OWNED struct buf b = { 0 };
	int rc = t->argc != 1 ? wrong(e) : read_all(t->argv[0], &b, e);

	return rc != 0 ? rc : pgp_cert_revoke_with(t->change.cert, buf_slice(&b), &t->out, e);
}

/* Both verbs on another's certificate. */
static int
with_signer(struct tool *t, bool takes_back, struct error *e)
{
	struct pgp_certify_spec spec = { .created = (uint32_t)t->policy.now };
	struct pgp_certs signer = { 0 };
	int i = 2, rc = t->argc < 2 ? wrong(e) : load(t->argv[0], &signer, e);

	if (rc == 0)
		rc = unlock(signer.items[0], t->keys, e);
	if (i < t->argc && strcmp(t->argv[i], "local") == 0) {
		spec.local = true;
		i++;
	}
	if (i + 2 < t->argc) {
		spec.depth = (uint8_t)number(t->argv[i]);
		spec.amount = (uint8_t)number(t->argv[i + 1]);
		spec.regex = slice_str(t->argv[i + 2]);
	}
	if (rc == 0)
		rc = (takes_back ? pgp_certify_revoke : pgp_certify_user)(
		    &spec, t->change.cert, slice_str(t->argv[1]), signer.items[0], t->change.keys, &t->out, e);
	pgp_certs_done(&signer);
	return rc;
}

static int
do_certify(struct tool *t, struct error *e)
{
	return with_signer(t, false, e);
}

static int
do_uncertify(struct tool *t, struct error *e)
{
	return with_signer(t, true, e);
}

static int
do_approve(struct tool *t, struct error *e)
{
	return t->argc != 1 ? wrong(e) : pgp_change_approve(&t->change, slice_str(t->argv[0]), NULL, NULL, &t->out, e);
}

static int
do_update(struct tool *t, struct error *e)
{
	const struct pgp_update_options o = { .sign_only = false };
	bool changed;

	return pgp_change_update(&t->change, &o, &t->out, &changed, e);
}

static int
do_merge(struct tool *t, struct error *e)
{
	struct pgp_certs other = { 0 };
	bool changed;
	int rc = t->argc != 1 ? wrong(e) : load(t->argv[0], &other, e);

	if (rc == 0)
		rc = pgp_merge(t->change.cert, other.items[0], &t->out, &changed, e);
	pgp_certs_done(&other);
	return rc;
}

static int
do_canonical(struct tool *t, struct error *e)
{
	return pgp_cert_canonical(t->change.cert, &t->out, e);
}

static int
do_repair(struct tool *t, struct error *e)
{
	bool changed;

	return pgp_cert_repair(t->change.cert, &t->out, &changed, e);
}

static int
do_offline(struct tool *t, struct error *e)
{
	bool stub = t->argc == 1 && strcmp(t->argv[0], "stub") == 0;

	return pgp_cert_write_offline(t->change.cert, stub ? PGP_OFFLINE_STUB : PGP_OFFLINE_PUBLIC, &t->out, e);
}

static int
do_export(struct tool *t, struct error *e)
{
	const struct pgp_export how = { .no_later_versions = t->argc == 1 };

	return pgp_cert_export(t->change.cert, &how, &t->out, e);
}

static int
do_minimise(struct tool *t, struct error *e)
{
	const struct pgp_export how = {
		.newest_only = true, .third_party = PGP_THIRD_PARTY_APPROVED, .policy = &t->policy
	};

	return pgp_cert_export(t->change.cert, &how, &t->out, e);
}

static int
do_autocrypt(struct tool *t, struct error *e)
{
	return t->argc != 1 ? wrong(e)
			    : pgp_cert_export_autocrypt(t->change.cert, slice_str(t->argv[0]), &t->policy, &t->out, e);
}

/* One line a component: kind, standing, flags, seconds until it expires, number of approved certifications. */
static int
do_judge(struct tool *t, struct error *e)
{
	struct pgp_cert_judgement j;
	int rc = pgp_cert_judge(t->change.cert, &t->policy, t->policy.now, &j, e);

	for (size_t i = 0; rc == 0 && i < j.count; i++) {
		const struct pgp_component_judgement *k = &j.components[i];
		struct pgp_approval approval = { 0 };
		size_t approved = 0;

		rc = pgp_approval_find(t->change.cert, k->component, &t->policy, &approval, e);
		for (size_t n = 0; rc == 0 && n < k->component->part_count; n++) {
			bool has = false;

			if (k->component->parts[n].type == PGP_SIGNATURE)
				(void)pgp_approval_has(&approval, k->component->parts[n].body, &has, NULL);
			approved += has;
		}
		(void)buf_putf(&t->out, "%d|%s|%02x|%lld|%zu\n", (int)k->component->kind,
		    pgp_standing_name(k->standing), (unsigned)k->flags,
		    k->expires == 0 ? 0 : (long long)k->expires - (long long)t->policy.now, approved);
	}
	if (rc == 0)
		pgp_cert_judgement_done(&j);
	return rc;
}

static const struct {
	const char *name;
	int (*run)(struct tool *t, struct error *e);
} verbs[] = {
	{ "expire", do_expire },
	{ "add-user", do_add_user },
	{ "primary-user", do_primary_user },
	{ "revoke-user", do_revoke_user },
	{ "add-subkey", do_add_subkey },
	{ "revoke-subkey", do_revoke_subkey },
	{ "revoke", do_revoke },
	{ "revocation", do_revocation },
	{ "revoke-with", do_revoke_with },
	{ "certify", do_certify },
	{ "uncertify", do_uncertify },
	{ "approve", do_approve },
	{ "update", do_update },
	{ "merge", do_merge },
	{ "canonical", do_canonical },
	{ "repair", do_repair },
	{ "offline", do_offline },
	{ "export", do_export },
	{ "minimise", do_minimise },
	{ "autocrypt", do_autocrypt },
	{ "judge", do_judge },
};

static int
on_input(struct tool *t, const char *verb, struct error *e)
{
	int rc = load(NULL, &t->in, e);

	if (rc == 0)
		rc = unlock(t->in.items[0], t->keys, e);
	if (rc != 0)
		return rc;
	t->change = (struct pgp_change){ t->in.items[0], pgp_memory_keys_ops(t->keys), &t->policy };
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		if (strcmp(verbs[i].name, verb) == 0)
			return verbs[i].run(t, e);
	return wrong(e);
}

int
main(int argc, char **argv)
{
	struct tool t = { .policy = pgp_policy_default((uint64_t)time(NULL)), .argc = argc - 2, .argv = argv + 2 };
	struct error e = { 0 };
	int rc;

	if (argc > 1 && argv[1][0] == '@') {
		t.policy.now -= (uint64_t)number(argv[1] + 1);
		argc--;
		argv++;
		t.argc = argc - 2;
		t.argv = argv + 2;
	}
	rc = argc < 2 ? wrong(&e) : pgp_memory_keys_new(&t.keys, &e);

	buf_init(&t.out, INPUT_MAX);
	if (rc == 0)
		rc = strcmp(argv[1], "generate") == 0 ? do_generate(&t, &e) : on_input(&t, argv[1], &e);
	if (rc == 0)
		(void)fwrite(t.out.data, 1, t.out.len, stdout);
	else
		(void)fprintf(stderr, "cert_tool: %s\n", e.text);
	pgp_memory_keys_free(t.keys);
	pgp_certs_done(&t.in);
	buf_wipe_done(&t.out);
	return rc == 0 ? 0 : 1;
}

/* SPDX-License-Identifier: ISC */
/*
 * letterlockd directory ca: a domain's CA. Its secret lies in the folder of keys as ca-DOMAIN.pgp, where a running
 * server's process keys hears of it within seconds; switched off it is off-DOMAIN.pgp, and nothing is signed with it.
 */
#include <stdio.h>
#include <string.h>

#include "crypto/secret.h"
#include "daemon/directory.h"
#include "daemon/place.h"
#include "daemon/process_keys_folder.h"
#include "os/clock.h"
#include "service/keys/ca_own.h"
#include "service/keys/keys.h"
#include "store/store.h"

#define REPLY_BUDGET (8u << 20)
#define FILE_NAME_MAX 300
#define REVOKED_TEXT "the directory certifies no longer with this key"

struct ca_verb {
	const struct verb_input *in;
	const char *domain;
	char folder[FILE_PATH_MAX];
	char on[FILE_PATH_MAX], off[FILE_PATH_MAX]; /* files */
	char on_name[FILE_NAME_MAX];
};

/* ---- files ---- */

static int
name_files(struct ca_verb *v, struct error *e)
{
	char name[FILE_NAME_MAX];
	int rc;

	if (strlen(v->domain) > KEYS_NAME_MAX || !config_is_domain(v->domain))
		return error_set(e, ERR_USAGE, "not a domain: %s", v->domain);
	(void)snprintf(v->on_name, sizeof v->on_name, KEYS_FILE_PREFIX "%s" KEYS_FILE_SUFFIX, v->domain);
	(void)snprintf(name, sizeof name, "off-%s" KEYS_FILE_SUFFIX, v->domain);
	rc = keys_folder_path(v->in->config, v->folder, e);
	if (rc == 0)
		rc = path_join(v->on, v->folder, v->on_name, e);
	return rc != 0 ? rc : path_join(v->off, v->folder, name, e);
}

static int
read_ca(const struct ca_verb *v, struct ca *out, struct error *e)
{
	struct buf secret;
	int rc;

	*out = (struct ca){ 0 };
	if (!file_exists(v->on) && !file_exists(v->off))
		return error_set(
		    e, ERR_NOT_FOUND, "%s has no CA; letterlockd directory ca new %s makes one", v->domain, v->domain);
	buf_init(&secret, CA_KEY_MAX);
	rc = file_read(file_exists(v->on) ? v->on : v->off, &secret, e);
	if (rc == 0)
		rc = ca_open(buf_slice(&secret), slice_str(v->domain), out, e);
	buf_wipe_done(&secret);
	return rc;
}

static int
write_ca(const struct ca_verb *v, struct error *e)
{
	struct buf secret;
	int rc = dir_make_private(v->folder, e);

	buf_init(&secret, CA_KEY_MAX);
	if (rc == 0)
		rc = ca_new(slice_str(v->domain), clock_unix(), &secret, e);
	if (rc == 0)
		rc = file_write_atomic(v->on, buf_slice(&secret), 0600, e);
	buf_wipe_done(&secret);
	return rc != 0 ? rc : keys_folder_give(v->in->config, v->on_name, e);
}

static int
move(const char *from, const char *to, const char *folder, struct error *e)
{
	if (rename(from, to) != 0)
		return error_set(e, ERR_IO, "'%s' cannot be renamed", from);
	return dir_sync(folder, e);
}

/* ---- the words ---- */

static int
check_domain(const struct place *p, const struct ca_verb *v, struct error *e)
{
	struct store_domains known;
	ARENA_OWNED struct arena a = { 0 };
	int rc;

	arena_init(&a, REPLY_BUDGET);
	rc = store_domain_list(p->port, &(struct store_nothing){ 0 }, &a, &known, e);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < known.domain_count; i++)
		if (slice_ieq_str(known.domains[i], v->domain))
			return 0;
	return error_set(
	    e, ERR_NOT_FOUND, "mail for %s is not kept here, so its addresses are not verified here", v->domain);
}

static int
say_fingerprint(const struct ca_verb *v, struct slice public, struct error *e)
{
	BUF_OWNED struct buf text = { 0 };
	int rc;

	buf_init(&text, 256);
	rc = ca_fingerprint(public, &text, e);
	if (rc == 0 && v->in->json) {
		struct json_value *object = json_value_object();

		json_value_set_text(object, "domain", slice_str(v->domain));
		json_value_set_text(object, "fingerprint", buf_slice(&text));
		json_value_set_bool(object, "on", file_exists(v->on));
		verb_print_json(object);
	} else if (rc == 0) {
		(void)printf("Fingerprint: %.*s\n", (int)text.len, (const char *)text.data);
	}
	return rc;
}

static int
word_new(struct place *p, const struct ca_verb *v, struct ca *ca, struct buf *public, struct error *e)
{
	int rc = check_domain(p, v, e);

	if (rc == 0 && file_exists(v->on))
		return error_set(
		    e, ERR_EXISTS, "%s has a CA; letterlockd directory ca show %s tells of it", v->domain, v->domain);
	if (rc == 0 && file_exists(v->off))
		rc = move(v->off, v->on, v->folder, e);
	else if (rc == 0)
		rc = write_ca(v, e);
	if (rc == 0)
		rc = read_ca(v, ca, e);
	if (rc == 0)
		rc = ca_public(ca, public, e);
	if (rc == 0)
		rc = ca_put(p->port, buf_slice(public), e);
	if (rc == 0 && !v->in->json)
		(void)printf(
		    "The CA of %s certifies verified addresses from now on, for 90 days each, and again before "
		    "they end.\nIts secret key is %s: keep a copy in a safe place.\n",
		    v->domain, v->on);
	return rc != 0 ? rc : say_fingerprint(v, buf_slice(public), e);
}

static int
word_show(struct place *p, const struct ca_verb *v, struct ca *ca, struct buf *public, struct error *e)
{
	int rc = read_ca(v, ca, e);

	(void)p;
	if (rc == 0)
		rc = ca_public(ca, public, e);
	if (rc == 0 && !v->in->json)
		(void)printf("%s key directory <" CA_LOCAL_PART "@%s>\n%s\n", v->domain, v->domain,
		    file_exists(v->on) ? "It certifies verified addresses." : "It is off: nothing is certified.");
	return rc != 0 ? rc : say_fingerprint(v, buf_slice(public), e);
}

static int
word_export(struct place *p, const struct ca_verb *v, struct ca *ca, struct buf *public, struct error *e)
{
	BUF_OWNED struct buf text = { 0 };
	int rc = read_ca(v, ca, e);

	(void)p;
	buf_init(&text, 2 * CA_KEY_MAX);
	if (rc == 0)
		rc = ca_public(ca, public, e);
	if (rc == 0)
		rc = ca_armor(buf_slice(public), &text, e);
	if (rc == 0)
		(void)fwrite(text.data, 1, text.len, stdout);
	return rc;
}

static int
word_revoke(struct place *p, const struct ca_verb *v, struct ca *ca, struct buf *public, struct error *e)
{
	int rc = read_ca(v, ca, e);

	if (rc == 0)
		rc = ca_revoked(ca, SLICE(REVOKED_TEXT), clock_unix(), public, e);
	if (rc == 0)
		rc = ca_put(p->port, buf_slice(public), e);
	/* Only when everybody can see it. */
	if (rc == 0 && file_exists(v->on))
		rc = file_remove(v->on, e);
	if (rc == 0)
		rc = file_remove(v->off, e);
	if (rc == 0)
		(void)printf(
		    "The CA of %s is revoked, the directory says so, and its secret key is gone.\n", v->domain);
	return rc;
}

static int
word_off(struct place *p, const struct ca_verb *v, struct ca *ca, struct buf *public, struct error *e)
{
	int rc = file_exists(v->on) ? move(v->on, v->off, v->folder, e)
				    : error_set(e, ERR_NOT_FOUND, "%s has no CA that is on", v->domain);

	(void)p;
	(void)ca;
	(void)public;
	if (rc == 0)
		(void)printf("Nothing more is certified. What was certified ends within 90 days; "
			     "'letterlockd directory ca revoke %s' ends it now.\n",
		    v->domain);
	return rc;
}

static const struct {
	const char *name;
	bool writes; /* the store */
	int (*run)(struct place *p, const struct ca_verb *v, struct ca *ca, struct buf *public, struct error *e);
} words[] = {
	{ "new", true, word_new },
	{ "show", false, word_show },
	{ "export", false, word_export },
	{ "revoke", true, word_revoke },
	{ "off", false, word_off },
};

static int
run_word(size_t i, struct ca_verb *v, struct error *e)
{
	struct place place = { 0 };
	struct buf public;
	struct ca ca = { 0 };
	int rc = name_files(v, e);

	if (rc == 0 && words[i].writes)
		rc = place_reach(v->in->config, true, &place, e);
	if (rc != 0)
		return rc;
	buf_init(&public, CA_KEY_MAX);
	rc = words[i].run(&place, v, &ca, &public, e);
	ca_close(&ca);
	buf_done(&public);
	if (words[i].writes)
		place_close(&place);
	return rc;
}

int
verb_directory_ca(const struct verb_input *in)
{
	struct ca_verb v = { .in = in };
	struct error e;
	int rc;

	for (size_t i = 0; i < sizeof words / sizeof words[0] && in->word_count == 2; i++) {
		if (strcmp(in->words[0], words[i].name) != 0)
			continue;
		v.domain = in->words[1];
		rc = run_word(i, &v, &e);
		return rc == 0 ? EXIT_DONE : verb_failed(&e);
	}
	(void)error_set(&e, ERR_USAGE, "say directory ca new, show, export, revoke or off, and a domain");
	return verb_failed(&e);
}

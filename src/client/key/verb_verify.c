/* SPDX-License-Identifier: ISC */
/* `letterlock key verify` */
#include <stdio.h>

#include "base/words.h"
#include "client/key/code.h"
#include "client/key/print.h"
#include "client/key/reason.h"
#include "client/key/verbs.h"
#include "os/terminal.h"

static const char help[] =
    "letterlock key verify WHO [FINGERPRINT]\n"
    "\n"
    "Compares a certificate's fingerprint with what its owner says, and remembers that you did. Get what he\n"
    "says from himself: face to face, by telephone, from his card; not from the same mail.\n"
    "\n"
    "  FINGERPRINT         or the words for it: what the owner gave you, compared here\n"
    "  --scan PICTURE      a photograph of the QR code that the owner shows\n"
    "  --words             show it as words too, to be read aloud\n"
    "  --qr                show yours as a QR code, for the other to read (--output FILE: .svg or .png);\n"
    "                      WHO is one of your own keys then\n"
    "  --yes               it has been compared: do not ask\n"
    "  --undo              it has not been compared\n"
    "  --json\n"
    "\n"
    "Example:\n"
    "  letterlock key verify bob@example.org --scan photo.jpg\n";

struct verify_options {
	const char *scan, *output;
	bool words, qr, yes, undo;
};

/* The fingerprint, or its words. */
static int
read_said(const char *said, struct pgp_fingerprint *out, struct error *e)
{
	BUF_OWNED struct buf octets = { .max = PGP_FINGERPRINT_MAX };

	if (pgp_fingerprint_parse(slice_str(said), out, NULL) == 0)
		return 0;
	if (!words_read(slice_str(said), &octets) || (octets.len != 20 && octets.len != 32))
		return error_set(e, ERR_USAGE, "'%.100s' is neither a whole fingerprint nor the words for one", said);
	*out = (struct pgp_fingerprint){ .len = (uint8_t)octets.len };
	for (size_t i = 0; i < octets.len; i++)
		out->bytes[i] = octets.data[i];
	return 0;
}

/* Several certificates may be for one address: the one that the owner's fingerprint names is meant. */
static int
find_said(struct key_command *c, const struct pgp_fingerprint *said, const struct trust_entry **entry)
{
	const struct trust_entry *found[TRUST_CANDIDATES_MAX];
	struct slice who = key_argument(c);
	struct pgp_fingerprint f;
	size_t n = 0;

	if (pgp_fingerprint_parse(who, &f, NULL) == 0) {
		found[0] = trust_store_find(c->keyring.certs, &f);
		n = found[0] != NULL;
	} else {
		n = trust_store_find_address(c->keyring.certs, who, found, TRUST_CANDIDATES_MAX);
	}
	for (size_t i = 0; i < n; i++) {
		if (pgp_fingerprint_eq(&found[i]->fingerprint, said)) {
			*entry = found[i];
			return 0;
		}
	}
	if (n == 0)
		return keyring_resolve(&c->keyring, who, false, entry, &c->error);
	return error_set(&c->error, ERR_POLICY,
	    "that is NOT the fingerprint of the certificate that is here for %.*s: somebody may have given you a false "
	    "one. "
	    "Nothing was changed",
	    (int)size_min(who.len, 100), (const char *)who.data);
}

/* Without anything to compare with, the person does it. */
static int
ask(struct key_command *c, const struct verify_options *o, const struct trust_entry *entry)
{
	if (!c->common.json && !o->yes) {
		key_print_entry(c, entry);
		key_code_say(&entry->fingerprint, o->words);
	}
	/* Programs and scripts that have compared it say so by calling this. */
	if (o->yes || !terminal_can_ask())
		return 0;
	return key_confirm("Does its owner say the same?", false, &c->error);
}

static int
compare(struct key_command *c, const struct verify_options *o, const struct trust_entry **entry)
{
	struct pgp_fingerprint said;
	int rc;

	if (o->scan == NULL && c->arguments.count < 2) {
		rc = keyring_resolve(&c->keyring, key_argument(c), false, entry, &c->error);
		return rc == 0 && !o->undo ? ask(c, o, *entry) : rc;
	}
	rc = o->scan != NULL ? key_code_scan(o->scan, &said, &c->error)
			     : read_said(c->arguments.items[1], &said, &c->error);
	return rc == 0 ? find_said(c, &said, entry) : rc;
}

static int
verify(struct key_command *c, const struct verify_options *o)
{
	const struct trust_entry *entry;
	struct pgp_fingerprint f;
	int rc = compare(c, o, &entry);

	if (rc != 0)
		return rc;
	f = entry->fingerprint;
	rc = trust_store_verify(c->keyring.certs, &f, o->undo ? 0 : c->keyring.policy.now, &c->error);
	return rc == 0 ? key_say_entry(c, trust_store_find(c->keyring.certs, &f)) : rc;
}

static int
show_own(struct key_command *c, const struct verify_options *o)
{
	const struct trust_entry *entry;
	int rc = keyring_resolve(&c->keyring, key_argument(c), true, &entry, &c->error);

	if (rc == 0)
		rc = key_code_show(&entry->fingerprint, o->output, &c->error);
	if (rc == 0)
		key_code_say(&entry->fingerprint, o->words);
	return rc;
}

int
key_verify(int argc, char **argv)
{
	struct verify_options o = { .scan = NULL };
	const struct option options[] = { { "scan", OPTION_TEXT, &o.scan }, { "output", OPTION_TEXT, &o.output },
		{ "words", OPTION_FLAG, &o.words }, { "qr", OPTION_FLAG, &o.qr }, { "yes", OPTION_FLAG, &o.yes },
		{ "undo", OPTION_FLAG, &o.undo } };
	const struct key_syntax syntax = KEY_SYNTAX(help, options, 1, 2);
	struct key_command c;
	int status, rc;

	if (!key_begin(&c, argc, argv, &syntax, &status))
		return status;
	rc = o.qr ? show_own(&c, &o) : verify(&c, &o);
	return key_end(&c, rc);
}

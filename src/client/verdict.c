/* SPDX-License-Identifier: ISC */
#include "client/verdict.h"

#include <stdio.h>

#include "base/date.h"
#include "client/key/belief.h"
#include "os/clock.h"

int
verdict_status(const struct letter_verdict *verdict)
{
	bool no = verdict->status == LETTER_CLOSED || verdict->signature == LETTER_SIGNATURE_BAD;

	return no ? EXIT_NO : EXIT_DONE;
}

const char *
verdict_mark(const struct letter_verdict *verdict)
{
	if (verdict_status(verdict) != EXIT_DONE)
		return "!   ";
	switch (verdict->status) {
	case LETTER_SEALED:
		return "ES  ";
	case LETTER_ENCRYPTED:
		return "E   ";
	case LETTER_SIGNED:
		return "S   ";
	case LETTER_PLAIN:
	case LETTER_CLOSED:
		break;
	}
	return "    ";
}

/* The first sentence: encrypted or not, opened or not. */
static const char *
encryption_text(const struct letter_verdict *verdict)
{
	if (verdict->status == LETTER_CLOSED)
		return "It is encrypted and could not be opened; nothing of it is shown.";
	return verdict->encrypted ? "It was encrypted: only its recipients can read it."
				  : "It was not encrypted: anybody on its way could read it.";
}

static const char *
signature_text(enum letter_signature s)
{
	static const char *const texts[] = {
		[LETTER_SIGNATURE_NONE] = "It was not signed: anybody could have written it.",
		[LETTER_SIGNATURE_GOOD] = "It was signed by the sender",
		[LETTER_SIGNATURE_OTHER] = "It counts as not signed: the signature is of somebody else than the sender",
		[LETTER_SIGNATURE_UNKNOWN] = "It counts as not signed: the key of the signature is not known.",
		[LETTER_SIGNATURE_BAD] = "It counts as not signed: the signature is broken, something was changed.",
		[LETTER_SIGNATURE_INVALID] = "It counts as not signed: the signature is not acceptable",
		[LETTER_SIGNATURE_UNSUPPORTED] = "It counts as not signed: the signature cannot be checked here.",
	};

	return texts[s];
}

static void
print_time(const char *before, uint64_t when, const char *after)
{
	BUF_OWNED struct buf b = { .max = 100 };

	(void)date_write_short(&b, (int64_t)when, clock_zone((int64_t)when));
	(void)printf("%s%.*s%s", before, (int)b.len, (const char *)b.data, after);
}

/* The certificate that counts for the signer's address, when it is another than the one that signed; else NULL. */
static const struct trust_entry *
other_known(const struct letters *l, const struct letter_view *v)
{
	const struct letter_verdict *verdict = letter_opened_verdict(v->opened);
	const struct trust_entry *chosen = NULL;
	BUF_OWNED struct buf address = { .max = TRUST_ADDRESS_MAX };

	if (verdict->signature != LETTER_SIGNATURE_GOOD || !letters_sender(v, &address))
		return NULL;
	chosen = trust_store_choose(l->keyring.certs, buf_slice(&address), NULL);
	return chosen != NULL && !pgp_fingerprint_eq(&chosen->fingerprint, &verdict->signer) ? chosen : NULL;
}

/* Of whoever signed, as the sender when the signature is that sender's. */
static void
believe_signer(const struct letters *l, const struct letter_view *v, struct key_belief *out)
{
	const struct letter_verdict *verdict = letter_opened_verdict(v->opened);
	BUF_OWNED struct buf address = { .max = TRUST_ADDRESS_MAX };

	if (verdict->signature == LETTER_SIGNATURE_GOOD && !letters_sender(v, &address))
		buf_clear(&address);
	key_believe(&l->keyring, letters_signer(l, v) != NULL ? &letters_signer(l, v)->fingerprint : &verdict->signer,
	    buf_slice(&address), verdict->signed_at, out);
}

static void
print_signer(const struct letters *l, const struct letter_view *v)
{
	const struct trust_entry *entry;
	struct key_belief belief;
	BUF_OWNED struct buf text = { .max = 1000 };

	(void)pgp_fingerprint_write(&letter_opened_verdict(v->opened)->signer, &text);
	client_say("  Key ", buf_slice(&text), "");
	believe_signer(l, v, &belief);
	client_say("  ", buf_slice(&belief.why), "");
	key_belief_done(&belief);
	if ((entry = other_known(l, v)) == NULL)
		return;
	buf_clear(&text);
	(void)pgp_fingerprint_write(&entry->fingerprint, &text);
	client_say("  Beware: you know this sender by another key, ", buf_slice(&text),
	    entry->verified != 0 ? ", which you have compared." : ". Ask which one is theirs.");
}

void
verdict_print(const struct letters *l, const struct letter_view *v)
{
	const struct letter_verdict *verdict = letter_opened_verdict(v->opened);

	(void)printf("  %s\n", encryption_text(verdict));
	if (verdict->status != LETTER_CLOSED) {
		(void)printf("  %s", signature_text(verdict->signature));
		if (verdict->signature == LETTER_SIGNATURE_GOOD || verdict->signature == LETTER_SIGNATURE_OTHER ||
		    verdict->signature == LETTER_SIGNATURE_INVALID)
			print_time(" (", verdict->signed_at, ").");
		(void)fputc('\n', stdout);
	}
	if (verdict->signer.len > 0)
		print_signer(l, v);
	if (verdict->headers_protected)
		(void)puts("  Subject, sender and date shown are those that the sender protected.");
	if (verdict->from_differs)
		(void)puts("  Beware: the sender named inside differs from the one outside.");
	for (size_t i = 0; i < verdict->note_count; i++)
		client_say("  ", slice_str(verdict->notes[i]), "");
}

struct json_value *
verdict_json(const struct letters *l, const struct letter_view *v)
{
	static const char *const statuses[] = { [LETTER_PLAIN] = "plain",
		[LETTER_SIGNED] = "signed",
		[LETTER_ENCRYPTED] = "encrypted",
		[LETTER_SEALED] = "sealed",
		[LETTER_CLOSED] = "closed" };
	static const char *const signatures[] = { [LETTER_SIGNATURE_NONE] = "none",
		[LETTER_SIGNATURE_GOOD] = "good",
		[LETTER_SIGNATURE_OTHER] = "other",
		[LETTER_SIGNATURE_UNKNOWN] = "unknown",
		[LETTER_SIGNATURE_BAD] = "bad",
		[LETTER_SIGNATURE_INVALID] = "invalid",
		[LETTER_SIGNATURE_UNSUPPORTED] = "unsupported" };
	const struct letter_verdict *verdict = letter_opened_verdict(v->opened);
	struct json_value *o = json_value_object(), *notes = json_value_list();
	BUF_OWNED struct buf text = { .max = 1000 };
	struct key_belief belief;

	json_value_set_str(o, "status", statuses[verdict->status]);
	json_value_set_str(o, "signature", signatures[verdict->signature]);
	json_value_set_bool(o, "encrypted", verdict->encrypted);
	json_value_set_bool(o, "headers_protected", verdict->headers_protected);
	json_value_set_bool(o, "from_differs", verdict->from_differs);
	if (verdict->signer.len > 0) {
		(void)pgp_fingerprint_write(&verdict->signer, &text);
		json_value_set_text(o, "signer", buf_slice(&text));
		json_value_set_i64(o, "signed_at", (int64_t)verdict->signed_at);
		believe_signer(l, v, &belief);
		json_value_set_bool(o, "believed", key_is_believed(&belief));
		json_value_set_str(o, "belief", believe_verdict_name(belief.verdict));
		json_value_set_bool(o, "other_key_known", other_known(l, v) != NULL);
		json_value_set_text(o, "why", buf_slice(&belief.why));
		key_belief_done(&belief);
	}
	for (size_t i = 0; i < verdict->note_count; i++)
		json_value_append_text(notes, slice_str(verdict->notes[i]));
	json_value_set(o, "notes", notes);
	return o;
}

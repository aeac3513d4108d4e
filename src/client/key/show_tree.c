/* SPDX-License-Identifier: ISC */
/* A certificate with all its signatures, as lines and as JSON. */
#include <stdio.h>

#include "base/hex.h"
#include "client/key/show.h"
#include "client/key/sig_verdict.h"

#define LINE_MAX_OCTETS 4000u
#define BRANCH "\xE2\x94\x9C\xE2\x94\x80 "
#define LAST "\xE2\x94\x94\xE2\x94\x80 "
#define TRUNK "\xE2\x94\x82  "

/* ---- what a signature says ---- */

static void
put_issuer(const struct key_sig *s, struct buf *out)
{
	if (s->own) {
		(void)buf_put_str(out, "itself");
	} else if (s->issuer != NULL && s->issuer->address_count > 0) {
		(void)buf_put_slice(out, s->issuer->addresses[0]);
		(void)buf_put_u8(out, ' ');
		(void)pgp_fingerprint_write(&s->issuer->fingerprint, out);
	} else if (s->sig.issuer_fpr.len > 0) {
		(void)pgp_fingerprint_write(&s->sig.issuer_fpr, out);
	} else if (s->sig.has_issuer) {
		(void)buf_putf(out, "%016llX", (unsigned long long)s->sig.issuer);
	} else {
		(void)buf_put_str(out, "somebody");
	}
}

static void
put_time(const char *before, uint64_t from, uint32_t seconds, struct buf *out)
{
	if (seconds == 0)
		return;
	(void)buf_put_str(out, before);
	key_put_day(from + seconds, out);
}

/* What it says about a key and about itself; each with "; " before it. */
static void
put_statements(const struct key_sig *s, const struct pgp_component *k, const struct pgp_key *primary, struct buf *out)
{
	const struct pgp_sig *sig = &s->sig;
	const struct pgp_key *about = k->key != NULL ? k->key : primary;

	if (sig->has_key_flags) {
		(void)buf_put_str(out, "; to ");
		key_put_flags(sig->key_flags, out);
	}
	if (sig->has_key_expires)
		put_time("; the key expires ", about->created, sig->key_expires, out);
	put_time("; it expires ", sig->created, sig->expires, out);
	if (sig->primary_user_id)
		(void)buf_put_str(out, "; the primary user ID");
	if (!sig->exportable)
		(void)buf_put_str(out, "; local");
	if (!sig->revocable)
		(void)buf_put_str(out, "; not revocable");
	if (sig->has_trust)
		(void)buf_putf(
		    out, "; trusted to introduce others: depth %u, amount %u", sig->trust_depth, sig->trust_amount);
	if (sig->has_reason)
		(void)buf_putf(out, "; %s", pgp_reason_name(sig->reason));
	if (sig->has_features && (sig->features & PGP_FEATURE_SEIPD2) != 0)
		(void)buf_put_str(out, "; reads SEIPDv2");
	if (sig->embedded_count > 0)
		(void)buf_put_str(out, "; signed back");
}

static void
say_peer_text(const char *indent, const char *what, struct slice text)
{
	if (text.len == 0)
		return;
	(void)printf("%s     %s", indent, what);
	client_say("", text, "");
}

static void
say_more(const struct key_sig *s, const char *indent)
{
	struct pgp_notation n;
	struct slice regex;

	say_peer_text(indent, "reason: ", s->sig.has_reason ? s->sig.reason_text : SLICE_EMPTY);
	say_peer_text(indent, "policy: ", s->sig.policy_uri);
	say_peer_text(indent, "key server: ", s->sig.preferred_keyserver);
	for (size_t i = 0; pgp_sig_regex(&s->sig, i, &regex); i++)
		say_peer_text(indent, "only for user IDs like ", regex);
	for (size_t i = 0; pgp_sig_notation(&s->sig, i, &n); i++) {
		(void)printf("%s     %snotation ", indent, n.critical ? "critical " : "");
		client_print(n.name);
		client_say(" = ", n.readable ? n.value : SLICE("(not for people)"), "");
	}
}

static void
say_sig(const struct key_sig *s, const struct pgp_component *k, const struct pgp_key *primary, const char *branch,
    const char *indent)
{
	BUF_OWNED struct buf line = { .max = LINE_MAX_OCTETS };

	if (!s->readable) {
		(void)printf("%ssignature: %s\n", branch, s->verdict);
		return;
	}
	(void)buf_putf(&line, "%s by ", pgp_sig_type_name(s->sig.type));
	put_issuer(s, &line);
	(void)buf_put_str(&line, ", ");
	key_put_day(s->sig.created, &line);
	(void)buf_putf(&line, ", %s: %s", pgp_hash_name(s->sig.hash), s->verdict);
	put_statements(s, k, primary, &line);
	client_say(branch, buf_slice(&line), "");
	say_more(s, indent);
}

/* ---- the tree ---- */

static void
say_head(const struct pgp_component_judgement *of, const char *branch)
{
	BUF_OWNED struct buf line = { .max = LINE_MAX_OCTETS };
	const struct pgp_component *k = of->component;

	if (k->kind == PGP_COMPONENT_USER_ID)
		(void)buf_put_str(&line, of->primary_user_id ? "primary user ID " : "user ID ");
	else if (k->kind == PGP_COMPONENT_USER_ATTRIBUTE)
		(void)buf_putf(&line, "picture of %zu octets", k->packet.body.len);
	else if (k->key != NULL)
		(void)buf_putf(&line, "%s, version %u, %s %u bits, ", k->key->subkey ? "subkey" : "primary key",
		    k->key->version, pgp_algorithm_name(k->key->algorithm), pgp_key_bits(k->key));
	else
		(void)buf_putf(&line, "packet of type %u, not understood", k->packet.type);
	if (k->kind == PGP_COMPONENT_USER_ID)
		(void)buf_put_slice(&line, k->packet.body);
	else if (k->key != NULL)
		(void)pgp_fingerprint_write(&k->key->fingerprint, &line);
	(void)buf_putf(&line, ": %s", pgp_standing_name(of->standing));
	if (of->reason[0] != '\0')
		(void)buf_putf(&line, " (%s)", of->reason);
	client_say(branch, buf_slice(&line), "");
}

static void
say_component(
    struct key_command *c, const struct key_shown *s, const struct pgp_component_judgement *of, bool first, bool last)
{
	const struct pgp_component *k = of->component;
	size_t n = size_min(k->part_count, KEY_SHOW_SIGS_MAX);
	struct key_sig sig;
	char branch[40], indent[40];
	const char *trunk = first || !last ? TRUNK : "   ";

	say_head(of, first ? "" : last ? LAST : BRANCH);
	for (size_t i = 0; i < n; i++) {
		bool end = i + 1 == k->part_count;

		(void)snprintf(branch, sizeof branch, "%s%s", first ? "" : trunk, end && !first ? LAST : BRANCH);
		(void)snprintf(indent, sizeof indent, "%s%s", first ? "" : trunk, end && !first ? "   " : TRUNK);
		key_sig_judge(c, &s->j, of, &k->parts[i], &sig);
		say_sig(&sig, k, s->cert->primary, branch, indent);
	}
	if (n < k->part_count)
		(void)printf("%s%s%zu more signatures\n", first ? "" : trunk, LAST, k->part_count - n);
}

void
key_show_tree(struct key_command *c, const struct key_shown *s)
{
	for (size_t i = 0; i < s->j.count; i++)
		say_component(c, s, &s->j.components[i], i == 0, i + 1 == s->j.count);
	if (s->j.cut_short)
		(void)puts("It has more signatures than could be checked.");
}

/* ---- for programs ---- */

static struct json_value *
sig_json(const struct key_sig *s)
{
	struct json_value *o = json_value_object(), *notations = json_value_list();
	BUF_OWNED struct buf text = { .max = LINE_MAX_OCTETS };
	struct pgp_notation n;

	json_value_set_str(o, "verdict", s->verdict);
	if (!s->readable) {
		json_value_free(notations);
		return o;
	}
	json_value_set_str(o, "type", pgp_sig_type_name(s->sig.type));
	json_value_set_bool(o, "own", s->own);
	json_value_set_bool(o, "counts", s->counts);
	put_issuer(s, &text);
	json_value_set_text(o, "issuer", buf_slice(&text));
	json_value_set_i64(o, "created", s->sig.created);
	if (s->sig.expires != 0)
		json_value_set_i64(o, "expires", (int64_t)s->sig.created + s->sig.expires);
	json_value_set_str(o, "hash", pgp_hash_name(s->sig.hash));
	json_value_set_bool(o, "exportable", s->sig.exportable);
	if (s->sig.has_trust) {
		json_value_set_i64(o, "trust_depth", s->sig.trust_depth);
		json_value_set_i64(o, "trust_amount", s->sig.trust_amount);
	}
	if (s->sig.has_reason) {
		json_value_set_str(o, "reason", pgp_reason_name(s->sig.reason));
		json_value_set_text(o, "reason_text", s->sig.reason_text);
	}
	for (size_t i = 0; pgp_sig_notation(&s->sig, i, &n); i++) {
		struct json_value *one = json_value_object();

		json_value_set_text(one, "name", n.name);
		json_value_set_text(one, "value", n.value);
		json_value_append(notations, one);
	}
	json_value_set(o, "notations", notations);
	return o;
}

static void
set_key_json(struct json_value *o, const struct pgp_component_judgement *of)
{
	const struct pgp_key *key = of->component->key;
	BUF_OWNED struct buf text = { .max = 200 };

	(void)pgp_fingerprint_write(&key->fingerprint, &text);
	json_value_set_text(o, "fingerprint", buf_slice(&text));
	json_value_set_i64(o, "version", key->version);
	json_value_set_str(o, "algorithm", pgp_algorithm_name(key->algorithm));
	json_value_set_i64(o, "bits", pgp_key_bits(key));
	json_value_set_i64(o, "created", key->created);
	if (of->expires != 0)
		json_value_set_i64(o, "expires", (int64_t)of->expires);
	buf_clear(&text);
	key_put_flags(of->flags, &text);
	json_value_set_text(o, "uses", buf_slice(&text));
}

static struct json_value *
component_json(struct key_command *c, const struct key_shown *s, const struct pgp_component_judgement *of)
{
	static const char *const kinds[] = { [PGP_COMPONENT_PRIMARY] = "primary",
		[PGP_COMPONENT_USER_ID] = "user ID",
		[PGP_COMPONENT_USER_ATTRIBUTE] = "picture",
		[PGP_COMPONENT_SUBKEY] = "subkey",
		[PGP_COMPONENT_UNKNOWN] = "unknown" };
	struct json_value *o = json_value_object(), *sigs = json_value_list();
	const struct pgp_component *k = of->component;
	struct key_sig sig;

	json_value_set_str(o, "kind", kinds[k->kind]);
	json_value_set_str(o, "standing", pgp_standing_name(of->standing));
	json_value_set_str(o, "reason", of->reason);
	if (k->kind == PGP_COMPONENT_USER_ID) {
		json_value_set_text(o, "user_id", k->packet.body);
		json_value_set_bool(o, "primary", of->primary_user_id);
	}
	if (k->key != NULL)
		set_key_json(o, of);
	for (size_t i = 0; i < size_min(k->part_count, KEY_SHOW_SIGS_MAX); i++) {
		key_sig_judge(c, &s->j, of, &k->parts[i], &sig);
		json_value_append(sigs, sig_json(&sig));
	}
	json_value_set(o, "signatures", sigs);
	json_value_set_i64(o, "signature_count", (int64_t)k->part_count);
	return o;
}

void
key_show_json(struct key_command *c, const struct key_shown *s, struct json_value *object)
{
	struct json_value *list = json_value_list();

	for (size_t i = 0; i < s->j.count; i++)
		json_value_append(list, component_json(c, s, &s->j.components[i]));
	json_value_set(object, "components", list);
}

/* SPDX-License-Identifier: ISC */
/*
 * mailauth/arc on the command line, for tests beside other people's programs. A message comes on standard input.
 *
 *   arc_tool verify ZONE NOW PIECE     result, sets, oldest pass, the set that failed, temporary, may be sealed, reason; by
 *                                      tabs. Then one line a set: d=, s=, cv=, t=, the message signature's d=, s=, whether it
 *                                      holds. ZONE: a file of lines NAME, tab, record; PIECE: octets of body at a time
 *   arc_tool seal ZONE NOW DOMAIN SELECTOR PEM SERVER [METHOD=RESULT[,TYPE.NAME=VALUE]...]...   the message, sealed
 */
#include <string.h>

#include "crypto/pem_secret.h"
#include "mailauth/arc/seal.h"
#include "tool.h"

static struct arc_verify *
run(const char *zone_path, const char *now, struct slice message, size_t piece)
{
	struct arc_verify_config config = { .now = strtoull(now, NULL, 10) };
	struct slice header, body, records[MAILAUTH_RECORDS_MAX];
	struct mailauth_question q;
	struct mailauth_answer a;
	struct arc_verify *v;
	struct buf zone;
	struct error e;

	tool_read_file(zone_path, &zone);
	tool_split(message, &header, &body);
	if (arc_verify_new(&config, header, &v, &e) != 0)
		tool_fail(&e);
	for (size_t at = 0; at < body.len; at += piece)
		arc_verify_body(v, slice_sub(body, at, piece));
	while (arc_verify_next(v, &q) == ARC_VERIFY_LOOKUP) {
		tool_look_up(buf_slice(&zone), &q, records, &a);
		arc_verify_answer(v, &a);
	}
	buf_done(&zone);
	return v;
}

static int
verify(char **argv)
{
	const struct arc_verdict *verdict;
	struct arc_verify *v;
	struct buf message;

	tool_read(stdin, &message);
	v = run(argv[0], argv[1], buf_slice(&message), strtoull(argv[2], NULL, 10));
	verdict = arc_verify_verdict(v);
	(void)printf("%s\t%zu\t%zu\t%zu\t%d\t%d\t%s\n", arc_result_name(verdict->result), verdict->count,
	    verdict->oldest_pass, verdict->failed, verdict->temporary, verdict->may_be_sealed, verdict->reason);
	for (size_t i = 1; i <= verdict->count; i++) {
		const struct arc_set *s = arc_verify_set(v, i);

		tool_print(s->seal_domain);
		(void)putchar('\t');
		tool_print(s->seal_selector);
		(void)printf("\t%s\t%llu\t", arc_result_name(s->chain), (unsigned long long)s->made);
		tool_print(s->message_domain);
		(void)putchar('\t');
		tool_print(s->message_selector);
		(void)printf("\t%d\n", s->message_holds);
	}
	arc_verify_free(v);
	buf_done(&message);
	return 0;
}

/* ---- seal ---- */

static void
parse_result(struct slice text, struct auth_result *result, struct auth_property *properties)
{
	struct slice rest, first = slice_split(text, ',', &rest);

	*result = (struct auth_result){ .properties = properties };
	result->method = slice_split(first, '=', &result->result);
	while (rest.len > 0 && result->property_count < MAILAUTH_PROPERTIES_MAX) {
		struct auth_property *p = &properties[result->property_count++];
		struct slice one = slice_split(rest, ',', &rest), name = slice_split(one, '=', &p->value);

		p->type = slice_split(name, '.', &p->name);
	}
}

static void
sign(struct arc_seal *s, const struct pem_secret *k)
{
	struct arc_seal_claim claim;
	uint8_t digest[32];
	struct buf signature;
	struct error e;

	buf_init(&signature, 1024);
	if (arc_seal_claim(arc_seal_octets(s), &claim, &e) != 0 ||
	    hash_once(HASH_SHA256, arc_seal_octets(s), digest, &e) != 0 ||
	    pem_secret_sign(k, slice_of(digest, sizeof(digest)), &signature, &e) != 0 ||
	    arc_seal_signature(s, buf_slice(&signature), &e) != 0)
		tool_fail(&e);
	buf_done(&signature);
}

static void
seal_with(struct arc_seal_params *p, const char *pem, struct slice message)
{
	struct slice header, body;
	struct pem_secret *k = NULL;
	struct dkim_body *b = NULL;
	struct arc_seal *s;
	struct buf text;
	struct error e;

	tool_split(message, &header, &body);
	tool_read_file(pem, &text);
	if (pem_secret_parse(buf_slice(&text), &k, &e) != 0 || dkim_body_new(DKIM_RELAXED, &b, &e) != 0)
		tool_fail(&e);
	dkim_body_put(b, body);
	p->algorithm = pem_secret_kind(k) == PEM_PUBLIC_RSA ? DKIM_RSA_SHA256 : DKIM_ED25519_SHA256;
	if (dkim_body_end(b, &e) != 0 || arc_seal_new(p, header, dkim_body_hash(b, DKIM_BODY_WHOLE), &s, &e) != 0)
		tool_fail(&e);
	while (arc_seal_octets(s).len > 0)
		sign(s, k);
	tool_print(arc_seal_fields(s));
	tool_print(message);
	arc_seal_free(s);
	dkim_body_free(b);
	pem_secret_free(k);
	buf_done(&text);
}

static int
seal(int argc, char **argv)
{
	static struct auth_property properties[MAILAUTH_RESULTS_MAX][MAILAUTH_PROPERTIES_MAX];
	static struct auth_result found[MAILAUTH_RESULTS_MAX];
	struct auth_results results = { .server = slice_str(argv[5]), .results = found };
	struct arc_seal_params p = { .domain = slice_str(argv[2]),
		.selector = slice_str(argv[3]),
		.now = strtoull(argv[1], NULL, 10),
		.results = &results };
	struct arc_verify *v;
	struct buf message;

	for (int i = 6; i < argc && results.count < MAILAUTH_RESULTS_MAX; i++, results.count++)
		parse_result(slice_str(argv[i]), &found[results.count], properties[results.count]);
	tool_read(stdin, &message);
	v = run(argv[0], argv[1], buf_slice(&message), 4096);
	p.chain = arc_verify_verdict(v);
	seal_with(&p, argv[4], buf_slice(&message));
	arc_verify_free(v);
	buf_done(&message);
	return 0;
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "verify") == 0 && argc == 5)
		return verify(argv + 2);
	if (strcmp(what, "seal") == 0 && argc >= 8)
		return seal(argc - 2, argv + 2);
	(void)fprintf(stderr, "usage: arc_tool verify|seal ...\n");
	return 2;
}

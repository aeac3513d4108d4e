/* SPDX-License-Identifier: ISC */
/*
 * mailauth/dmarc and mailauth/results on the command line, for tests beside other people's programs.
 *
 *   dmarc_tool judge          cases from standard input, a line each: author, SPF's domain (or empty), DKIM's domains with
 *                             spaces between, and the zone's lines NAME=TEXT, all by tabs. One line a case: result, policy,
 *                             the record's domain, the organization, whether SPF and DKIM are aligned, the tag; by tabs
 *   dmarc_tool destinations   cases: domain, the record's text, the zone's lines. One line a case: addresses, by spaces
 *   dmarc_tool report         a report from standard input, written anew
 *   dmarc_tool read arc|field the value of a field: server, instance, then a line a result: method, result, reason, comment,
 *                             and TYPE.NAME=VALUE; by tabs
 *   dmarc_tool write          the reverse, but for the comments: the field
 */
#include <string.h>

#include "mailauth/dmarc/destination.h"
#include "mailauth/dmarc/dmarc.h"
#include "mailauth/dmarc/report.h"
#include "mailauth/results/results.h"
#include "tool.h"

#define DKIM_MAX MAILAUTH_DKIM_SIGNATURES_MAX

/* The zone with line ends between, as tool_look_up() wants it. */
static void
take_zone(struct slice rest, struct buf *zone)
{
	buf_clear(zone);
	while (rest.len > 0) {
		struct slice text, line = slice_split(rest, '\t', &rest), name = slice_split(line, '=', &text);

		(void)buf_put_slice(zone, name);
		(void)buf_put_u8(zone, '\t');
		(void)buf_put_slice(zone, text);
		(void)buf_put_u8(zone, '\n');
	}
}

static void
print_verdict(const struct dmarc_verdict *v)
{
	(void)printf("%s\t%s\t", dmarc_result_name(v->result), dmarc_policy_name(v->policy));
	tool_print(v->domain);
	(void)putchar('\t');
	tool_print(v->organization);
	(void)printf("\t%d\t%d\t%s\n", v->spf_aligned, v->dkim_aligned, v->tag == NULL ? "" : v->tag);
}

static void
judge(struct slice line, struct buf *zone)
{
	struct slice rest, author = slice_split(line, '\t', &rest), spf = slice_split(rest, '\t', &rest);
	struct slice names = slice_split(rest, '\t', &rest), records[MAILAUTH_RECORDS_MAX];
	struct dmarc_authors authors = { .fields = 1, .count = 1, .domains = { author } };
	struct dmarc_identifier dkim[DKIM_MAX];
	struct dmarc_config config = {
		.authors = &authors, .spf = { .domain = spf, .pass = spf.len > 0 }, .dkim = dkim
	};
	struct mailauth_question q;
	struct mailauth_answer a;
	struct dmarc *m;
	struct error e;

	while (names.len > 0 && config.dkim_count < DKIM_MAX)
		dkim[config.dkim_count++] =
		    (struct dmarc_identifier){ .domain = slice_split(names, ' ', &names), .pass = true };
	take_zone(rest, zone);
	if (dmarc_new(&config, &m, &e) != 0)
		tool_fail(&e);
	while (dmarc_next(m, &q) == DMARC_LOOKUP) {
		tool_look_up(buf_slice(zone), &q, records, &a);
		dmarc_answer(m, &a);
	}
	print_verdict(dmarc_verdict(m));
	dmarc_free(m);
}

static void
destinations(struct slice line, struct buf *zone)
{
	struct slice rest, domain = slice_split(line, '\t', &rest), text = slice_split(rest, '\t', &rest);
	struct slice records[MAILAUTH_RECORDS_MAX];
	struct dmarc_record record = { 0 };
	struct dmarc_destination *d;
	struct mailauth_question q;
	struct mailauth_answer a;
	struct error e;

	take_zone(rest, zone);
	(void)dmarc_record_parse(text, &record);
	if (dmarc_destination_new(domain, &record.rua, &d, &e) != 0)
		tool_fail(&e);
	while (dmarc_destination_next(d, &q) == DMARC_DESTINATION_LOOKUP) {
		tool_look_up(buf_slice(zone), &q, records, &a);
		dmarc_destination_answer(d, &a);
	}
	for (size_t i = 0; i < dmarc_destination_count(d); i++) {
		(void)fputs(i > 0 ? " " : "", stdout);
		tool_print(dmarc_destination_address(d, i));
	}
	(void)putchar('\n');
	dmarc_destination_free(d);
}

static int
each(void (*act)(struct slice line, struct buf *zone))
{
	struct buf in, zone;
	struct slice rest;

	tool_read(stdin, &in);
	buf_init(&zone, TOOL_FILE_MAX);
	rest = buf_slice(&in);
	while (rest.len > 0)
		act(slice_split(rest, '\n', &rest), &zone);
	buf_done(&in);
	buf_done(&zone);
	return 0;
}

static int
report(void)
{
	struct dmarc_report r;
	struct buf in, out;
	struct arena a;
	struct error e;

	tool_read(stdin, &in);
	buf_init(&out, TOOL_FILE_MAX);
	arena_init(&a, MAILAUTH_REPORT_ARENA);
	if (dmarc_report_read(buf_slice(&in), &a, &r, &e) != 0 || dmarc_report_write(&r, &out, &e) != 0)
		tool_fail(&e);
	tool_print(buf_slice(&out));
	arena_done(&a);
	buf_done(&in);
	buf_done(&out);
	return 0;
}

/* ---- Authentication-Results ---- */

static int
read_field(bool arc)
{
	struct auth_results r;
	struct arena a;
	struct error e;
	struct buf in;

	tool_read(stdin, &in);
	arena_init(&a, 1 << 20);
	if (auth_results_parse(buf_slice(&in), arc, &a, &r, &e) != 0)
		tool_fail(&e);
	tool_print(r.server);
	(void)printf("\t%u\n", r.instance);
	for (size_t i = 0; i < r.count; i++) {
		const struct auth_result *m = &r.results[i];
		const struct slice parts[] = { m->method, m->result, m->reason, m->comment };

		for (size_t k = 0; k < sizeof(parts) / sizeof(parts[0]); k++) {
			(void)fputs(k > 0 ? "\t" : "", stdout);
			tool_print(parts[k]);
		}
		for (size_t k = 0; k < m->property_count; k++) {
			(void)putchar('\t');
			tool_print(m->properties[k].type);
			(void)putchar('.');
			tool_print(m->properties[k].name);
			(void)putchar('=');
			tool_print(m->properties[k].value);
		}
		(void)putchar('\n');
	}
	arena_done(&a);
	buf_done(&in);
	return 0;
}

static void
take_result(struct slice line, struct auth_result *m, struct auth_property *properties)
{
	*m = (struct auth_result){ .method = slice_split(line, '\t', &line), .properties = properties };
	m->result = slice_split(line, '\t', &line);
	m->reason = slice_split(line, '\t', &line);
	m->comment = slice_split(line, '\t', &line);
	while (line.len > 0 && m->property_count < MAILAUTH_PROPERTIES_MAX) {
		struct auth_property *p = &properties[m->property_count++];
		struct slice one = slice_split(line, '\t', &line), name = slice_split(one, '=', &p->value);

		p->type = slice_split(name, '.', &p->name);
	}
}

static int
write_field(void)
{
	static struct auth_property properties[MAILAUTH_RESULTS_MAX][MAILAUTH_PROPERTIES_MAX];
	static struct auth_result found[MAILAUTH_RESULTS_MAX];
	struct auth_results r = { .results = found };
	struct slice rest, first, number;
	struct buf in, out;
	struct error e;

	tool_read(stdin, &in);
	buf_init(&out, TOOL_FILE_MAX);
	rest = buf_slice(&in);
	first = slice_split(rest, '\n', &rest);
	r.server = slice_split(first, '\t', &number);
	r.instance = (uint32_t)(number.len > 0 ? number.data[0] - '0' : 0);
	while (rest.len > 0 && r.count < MAILAUTH_RESULTS_MAX) {
		take_result(slice_split(rest, '\n', &rest), &found[r.count], properties[r.count]);
		r.count++;
	}
	if (auth_results_write(&r, &out, &e) != 0)
		tool_fail(&e);
	tool_print(buf_slice(&out));
	buf_done(&in);
	buf_done(&out);
	return 0;
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "judge") == 0)
		return each(judge);
	if (strcmp(what, "destinations") == 0)
		return each(destinations);
	if (strcmp(what, "report") == 0)
		return report();
	if (strcmp(what, "read") == 0 && argc == 3)
		return read_field(strcmp(argv[2], "arc") == 0);
	if (strcmp(what, "write") == 0)
		return write_field();
	(void)fprintf(stderr, "usage: dmarc_tool judge|destinations|report|read|write\n");
	return 2;
}

/* SPDX-License-Identifier: ISC */
/* letterlockd status: what the running server says of itself, and what somebody should look at. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/date.h"
#include "base/json.h"
#include "daemon/process_control.h"
#include "daemon/verbs.h"
#include "os/clock.h"
#include "service/status/metrics.h"
#include "service/permit.h"
#include "service/status/status.h"
#include "store/store.h"

#ifndef LETTERLOCK_VERSION
#define LETTERLOCK_VERSION "unknown"
#endif

#define REPLY_BUDGET (1u << 20)
#define WARNINGS_MAX 32u
#define WARNING_MAX 256u /* octets, NUL included */
#define DAY 86400u
#define CERTIFICATE_SOON (14 * DAY) /* authorities renew 30 days before the end: then something has gone wrong */
#define BACKUP_OLD (8 * DAY)
#define DISK_LOW_PERCENT 5u
#define DISK_LOW (256ull << 20) /* octets: less is little on any disk */

struct status {
	bool json;
	struct slice text; /* of /metrics */
	struct store_info info;
	struct store_queue_totals queue;
	uint64_t now;
	char warnings[WARNINGS_MAX][WARNING_MAX];
	size_t warning_count;
};

static void __attribute__((format(printf, 2, 3))) warn(struct status *s, const char *fmt, ...)
{
	va_list args;

	if (s->warning_count == WARNINGS_MAX)
		return;
	va_start(args, fmt);
	(void)vsnprintf(s->warnings[s->warning_count++], WARNING_MAX, fmt, args);
	va_end(args);
}

/* ---- numbers out of the text ---- */

/* The next line that is a number: its name without our prefix, its labels without braces. False at the end. */
static bool
next_number(struct slice *rest, struct slice *name_out, struct slice *labels_out, uint64_t *value_out)
{
	while (rest->len > 0) {
		struct slice line = slice_split(*rest, '\n', rest), value;
		size_t space = slice_find_last(line, ' ');

		if (!slice_starts(line, SLICE(METRICS_PREFIX)) || space == SIZE_MAX)
			continue;
		value = slice_from(line, space + 1);
		if (!slice_to_u64(value, UINT64_MAX, value_out))
			continue; /* with a fraction: none that is asked for here */
		*name_out = slice_split(
		    slice_sub(line, sizeof METRICS_PREFIX - 1, space - sizeof METRICS_PREFIX + 1), '{', labels_out);
		if (labels_out->len > 0)
			labels_out->len--;
		return true;
	}
	return false;
}

/* Of all labels together; 0 without any. */
static uint64_t
number(const struct status *s, const char *wanted)
{
	struct slice rest = s->text, name, labels;
	uint64_t sum = 0, value;

	while (next_number(&rest, &name, &labels, &value))
		if (slice_eq_str(name, wanted))
			sum += value;
	return sum;
}

/* The text in quotes behind a label's name. */
static struct slice
label_of(struct slice labels)
{
	struct slice behind;

	(void)slice_split(labels, '"', &behind);
	return slice_split(behind, '"', &labels);
}

/* The number with that label (of one). */
static uint64_t
number_with(const struct status *s, const char *wanted, struct slice label)
{
	struct slice rest = s->text, name, labels;
	uint64_t value;

	while (next_number(&rest, &name, &labels, &value))
		if (slice_eq_str(name, wanted) && slice_eq(label_of(labels), label))
			return value;
	return 0;
}

/* Calls each for every label of a number. */
static void
each_label(const struct status *s, const char *wanted,
    void (*each)(const struct status *s, struct slice label, uint64_t value, void *ctx), void *ctx)
{
	struct slice rest = s->text, name, labels;
	uint64_t value;

	while (next_number(&rest, &name, &labels, &value))
		if (slice_eq_str(name, wanted))
			each(s, label_of(labels), value, ctx);
}

static struct slice
version_of(const struct status *s)
{
	struct slice rest = s->text, name, labels;
	uint64_t value;

	while (next_number(&rest, &name, &labels, &value))
		if (slice_eq_str(name, "build_info"))
			return label_of(labels);
	return SLICE("unknown");
}

/* ---- what somebody should look at ---- */

static void
judge_process(const struct status *s, struct slice label, uint64_t pid, void *ctx)
{
	uint64_t starts = number_with(s, "process_starts_total", label);

	if (pid == 0)
		warn(ctx, "The process %.*s is not there; the log says why.", (int)label.len, (const char *)label.data);
	else if (starts > 1)
		warn(ctx, "The process %.*s was started %" PRIu64 " times; the log says why.", (int)label.len,
		    (const char *)label.data, starts);
}

static void
judge_certificate(struct status *s)
{
	uint64_t ends = number(s, "tls_certificate_expiry_timestamp_seconds");

	if (ends != 0 && ends <= s->now)
		warn(s, "The TLS certificate has ended: clients refuse it.");
	else if (ends != 0 && ends - s->now < CERTIFICATE_SOON)
		warn(s, "The TLS certificate ends in %" PRIu64 " days.", (ends - s->now) / DAY);
}

static void
judge_disk(struct status *s)
{
	uint64_t size = number(s, "disk_size_bytes"), left = number(s, "disk_free_bytes");

	if (size != 0 && (left < size / 100 * DISK_LOW_PERCENT || left < DISK_LOW))
		warn(s, "The disk is nearly full: %" PRIu64 " MiB are left.", left >> 20);
}

static void
judge(struct status *s)
{
	uint64_t backup = number(s, "backup_timestamp_seconds");
	struct slice version = version_of(s);

	each_label(s, "process_pid", judge_process, s);
	judge_certificate(s);
	judge_disk(s);
	if (number(s, "config_reload_successful") == 0)
		warn(s, "The configuration was refused when it was read again; the server runs by the one before.");
	if (backup != 0 && backup + BACKUP_OLD < s->now)
		warn(s, "The last backup is %" PRIu64 " days old.", (s->now - backup) / DAY);
	if (!slice_eq_str(version, LETTERLOCK_VERSION))
		warn(s, "Version %.*s runs, and this is " LETTERLOCK_VERSION ": restart the server.", (int)version.len,
		    (const char *)version.data);
}

/* ---- in words ---- */

static void
print_duration(uint64_t seconds)
{
	if (seconds >= DAY)
		(void)printf("%" PRIu64 " days %" PRIu64 " h", seconds / DAY, seconds % DAY / 3600);
	else if (seconds >= 3600)
		(void)printf("%" PRIu64 " h %" PRIu64 " min", seconds / 3600, seconds % 3600 / 60);
	else
		(void)printf("%" PRIu64 " min %" PRIu64 " s", seconds / 60, seconds % 60);
}

static void
print_date(uint64_t unix_seconds)
{
	BUF_OWNED struct buf text = { 0 };

	buf_init(&text, 64);
	(void)date_write_rfc3339(&text, (int64_t)unix_seconds);
	(void)printf("%.*s", (int)text.len, (const char *)text.data);
}

static void
print_octets(uint64_t octets)
{
	static const char *const units[] = { "octets", "KiB", "MiB", "GiB", "TiB" };
	double value = (double)octets;
	size_t unit = 0;

	for (; value >= 1024 && unit + 1 < sizeof units / sizeof units[0]; unit++)
		value /= 1024;
	(void)printf(unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

static void
print_process(const struct status *s, struct slice label, uint64_t pid, void *ctx)
{
	uint64_t started = number_with(s, "process_start_timestamp_seconds", label);

	(void)ctx;
	(void)printf("  %-10.*s %8" PRIu64 "  ", (int)label.len, (const char *)label.data, pid);
	print_octets(number_with(s, "process_resident_memory_bytes", label));
	(void)printf(", for ");
	print_duration(s->now > started ? s->now - started : 0);
	(void)printf(", starts %" PRIu64 "\n", number_with(s, "process_starts_total", label));
}

static void
print_connections(const struct status *s, struct slice label, uint64_t value, void *ctx)
{
	(void)s;
	(void)ctx;
	if (value > 0)
		(void)printf(", %.*s %" PRIu64, (int)label.len, (const char *)label.data, value);
}

static void
print_mail(const struct status *s)
{
	(void)printf("Mail: accounts %" PRIu64 ", messages %" PRIu64 ", ", s->info.accounts, s->info.messages);
	print_octets(s->info.body_octets);
	(void)printf("; since the start received %" PRIu64 ", refused %" PRIu64 "\n",
	    number(s, "messages_received_total"), number(s, "messages_refused_total"));
}

static void
print_queue(const struct status *s)
{
	(void)printf("Queue: %" PRIu64 " %s, ", s->queue.messages, s->queue.messages == 1 ? "message" : "messages");
	print_octets(s->queue.octets);
	if (s->queue.oldest == 0) {
		(void)printf("\n");
		return;
	}
	(void)printf(", the oldest for ");
	print_duration(s->now > s->queue.oldest ? s->now - s->queue.oldest : 0);
	(void)printf("\n");
}

static void
print_words(const struct status *s)
{
	uint64_t started = number(s, "start_timestamp_seconds"), ends, backup = number(s, "backup_timestamp_seconds");
	struct slice version = version_of(s);

	(void)printf("Letterlock %.*s has been running since ", (int)version.len, (const char *)version.data);
	print_date(started);
	(void)printf(", for ");
	print_duration(s->now > started ? s->now - started : 0);
	(void)printf(".\nProcesses:\n");
	each_label(s, "process_pid", print_process, NULL);
	(void)printf("Connections: %" PRIu64 " now", number(s, "connections"));
	each_label(s, "connections", print_connections, NULL);
	(void)printf("; since the start %" PRIu64 ", and %" PRIu64 " refused\n", number(s, "connections_total"),
	    number(s, "connections_refused_total"));
	print_mail(s);
	print_queue(s);
	(void)printf("Disk: ");
	print_octets(number(s, "disk_free_bytes"));
	(void)printf(" free of ");
	print_octets(number(s, "disk_size_bytes"));
	ends = number(s, "tls_certificate_expiry_timestamp_seconds");
	(void)printf("\nCertificate: valid until ");
	print_date(ends);
	(void)printf("\nBackup: ");
	if (backup == 0)
		(void)printf("none that is known");
	else
		print_date(backup);
	(void)printf("\n");
	for (size_t i = 0; i < s->warning_count; i++)
		(void)printf("WARNING: %s\n", s->warnings[i]);
}

/* ---- as JSON ---- */

static void
json_process(const struct status *s, struct slice label, uint64_t pid, void *ctx)
{
	struct json_value *one = json_value_object();

	json_value_set_text(one, "name", label);
	json_value_set_i64(one, "pid", (int64_t)pid);
	json_value_set_i64(one, "started", (int64_t)number_with(s, "process_start_timestamp_seconds", label));
	json_value_set_i64(one, "starts", (int64_t)number_with(s, "process_starts_total", label));
	json_value_set_i64(one, "memory", (int64_t)number_with(s, "process_resident_memory_bytes", label));
	json_value_append(ctx, one);
}

static void
json_connections(const struct status *s, struct slice label, uint64_t value, void *ctx)
{
	char name[32];

	(void)s;
	(void)snprintf(name, sizeof name, "%.*s", (int)label.len, (const char *)label.data);
	json_value_set_i64(ctx, name, (int64_t)value);
}

static void
print_json(const struct status *s)
{
	static const char *const rows[][2] = { { "started", "start_timestamp_seconds" },
		{ "connections_total", "connections_total" }, { "connections_refused", "connections_refused_total" },
		{ "messages_received", "messages_received_total" }, { "messages_refused", "messages_refused_total" },
		{ "disk_size", "disk_size_bytes" }, { "disk_free", "disk_free_bytes" },
		{ "certificate_ends", "tls_certificate_expiry_timestamp_seconds" },
		{ "last_backup", "backup_timestamp_seconds" } };
	struct json_value *all = json_value_object(), *processes = json_value_list(),
			  *connections = json_value_object(), *warnings = json_value_list();

	json_value_set_bool(all, "running", true);
	json_value_set_text(all, "version", version_of(s));
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		json_value_set_i64(all, rows[i][0], (int64_t)number(s, rows[i][1]));
	json_value_set_bool(all, "configuration_taken", number(s, "config_reload_successful") != 0);
	json_value_set_i64(all, "accounts", (int64_t)s->info.accounts);
	json_value_set_i64(all, "messages", (int64_t)s->info.messages);
	json_value_set_i64(all, "octets", (int64_t)s->info.body_octets);
	json_value_set_i64(all, "certificates", (int64_t)s->info.certificates);
	json_value_set_i64(all, "queue_messages", (int64_t)s->queue.messages);
	json_value_set_i64(all, "queue_recipients", (int64_t)s->queue.recipients);
	json_value_set_i64(all, "queue_octets", (int64_t)s->queue.octets);
	json_value_set_i64(all, "queue_oldest", (int64_t)s->queue.oldest);
	each_label(s, "process_pid", json_process, processes);
	json_value_set(all, "processes", processes);
	each_label(s, "connections", json_connections, connections);
	json_value_set(all, "connections", connections);
	for (size_t i = 0; i < s->warning_count; i++)
		json_value_append_text(warnings, slice_str(s->warnings[i]));
	json_value_set(all, "warnings", warnings);
	verb_print_json(all);
}

/* ---- the verb ---- */

static int
not_running(const struct verb_input *in, const struct error *e)
{
	struct json_value *all;

	(void)verb_failed(e);
	if (in->json) {
		all = json_value_object();
		json_value_set_bool(all, "running", false);
		verb_print_json(all);
	}
	return EXIT_COULD_NOT;
}

static int
ask(const char *data, struct arena *a, struct status *s, struct error *e)
{
	struct status_answer answer;
	struct port *port, *store;
	int rc = control_connect_status(data, &port, e);

	if (rc != 0)
		return rc;
	rc = port_call(port, STATUS_METHOD_status, &(struct status_question){ 0 }, a, &answer, e);
	port_close(port);
	if (rc == 0)
		rc = control_connect(data, &store, e);
	if (rc != 0)
		return rc;
	s->text = answer.text;
	rc = store_info(store, &(struct store_nothing){ 0 }, a, &s->info, e);
	if (rc == 0)
		rc = store_queue_totals(store, &(struct store_nothing){ 0 }, a, &s->queue, e);
	port_close(store);
	return rc;
}

int
verb_status(const struct verb_input *in)
{
	struct status s = { .json = in->json, .now = clock_unix() };
	ARENA_OWNED struct arena a = { 0 };
	struct error e;

	if (in->word_count > 0) {
		(void)error_set(&e, ERR_USAGE, "status takes no words, only options");
		return verb_failed(&e);
	}
	arena_init(&a, REPLY_BUDGET);
	if (ask(in->config->data, &a, &s, &e) != 0)
		return not_running(in, &e);
	judge(&s);
	if (in->json)
		print_json(&s);
	else
		print_words(&s);
	return s.warning_count == 0 ? EXIT_DONE : EXIT_NO;
}

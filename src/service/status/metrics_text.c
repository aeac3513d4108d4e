/* SPDX-License-Identifier: ISC */
/* Prometheus's text format 0.0.4: # HELP, # TYPE, and a line for each number. */
#include <inttypes.h>
#include <stdio.h>

#include "os/metrics.h"
#include "service/status/metrics.h"

#ifndef LETTERLOCK_VERSION
#define LETTERLOCK_VERSION "unknown"
#endif

struct writing {
	void (*head)(void *ctx, const char *name, const char *type, const char *help); /* may be NULL */
	void (*each)(void *ctx, const char *name, double value);
	void *ctx;
	uint64_t sums[METRIC_COUNT];
};

static void
put(const struct writing *w, const char *name, const char *labels, double value)
{
	char whole[METRICS_NAME_MAX];

	(void)snprintf(whole, sizeof whole, METRICS_PREFIX "%s%s%s%s", name, labels[0] == '\0' ? "" : "{", labels,
	    labels[0] == '\0' ? "" : "}");
	w->each(w->ctx, whole, value);
}

static void
put_head(const struct writing *w, const char *name, const char *type, const char *help)
{
	if (w->head != NULL)
		w->head(w->ctx, name, type, help);
}

/* ---- the rows ---- */

/* What a gauge lacks when its process came late to a change, or lies, is nothing. */
static double
value_of(const struct writing *w, const struct metric_row *row, unsigned slot)
{
	uint64_t value = w->sums[slot];

	return row->kind == METRIC_GAUGE && value > INT64_MAX ? 0 : (double)value;
}

static void
put_plain(const struct writing *w, const struct metric_row *row)
{
	const struct metric_label *a = row->first, *b = row->second;
	char labels[METRICS_NAME_MAX / 2];

	for (unsigned i = 0; i < a->count; i++)
		for (unsigned j = 0; j < b->count; j++) {
			labels[0] = '\0';
			if (b->name != NULL)
				(void)snprintf(labels, sizeof labels, "%s=\"%s\",%s=\"%s\"", a->name, a->words[i],
				    b->name, b->words[j]);
			else if (a->name != NULL)
				(void)snprintf(labels, sizeof labels, "%s=\"%s\"", a->name, a->words[i]);
			put(w, row->name, labels, value_of(w, row, row->slot + i * b->count + j));
		}
}

static void
put_histogram(const struct writing *w, const struct metric_row *row)
{
	char name[METRICS_NAME_MAX / 2], labels[32];
	uint64_t count = 0;

	(void)snprintf(name, sizeof name, "%s_bucket", row->name);
	for (unsigned i = 0; i < METRIC_N_SECONDS - 2; i++) {
		count += w->sums[row->slot + i];
		(void)snprintf(labels, sizeof labels, "le=\"%g\"", (double)metric_bounds[i] / 1e6);
		put(w, name, labels, (double)count);
	}
	count += w->sums[row->slot + METRIC_N_SECONDS - 2];
	put(w, name, "le=\"+Inf\"", (double)count);
	(void)snprintf(name, sizeof name, "%s_sum", row->name);
	put(w, name, "", (double)w->sums[row->slot + METRIC_N_SECONDS - 1] / 1e6);
	(void)snprintf(name, sizeof name, "%s_count", row->name);
	put(w, name, "", (double)count);
}

/* ---- the processes ---- */

static void
put_processes(const struct writing *w, const char *name, const char *type, const char *help, enum metric_fact what)
{
	uint64_t fact[FACT_COUNT];

	put_head(w, name, type, help);
	for (size_t i = 0; i < METRICS_PAGES_MAX; i++) {
		char labels[48];

		if (!metrics_process(i, fact) || fact[FACT_KIND] >= PROCESS_ROLES)
			continue;
		if (fact[FACT_KIND] == PROCESS_FRONT)
			(void)snprintf(labels, sizeof labels, "process=\"front%" PRIu64 "\"", fact[FACT_INDEX] + 1);
		else
			(void)snprintf(labels, sizeof labels, "process=\"%s\"", process_names[fact[FACT_KIND]]);
		put(w, name, labels, (double)fact[what]);
	}
}

static void
put_all(struct writing *w)
{
	static const char *const types[] = { "counter", "gauge", "histogram" };

	metrics_sum(w->sums);
	put_head(w, "build_info", "gauge", "The program's version.");
	put(w, "build_info", "version=\"" LETTERLOCK_VERSION "\"", 1);
	for (size_t i = 0; i < metrics_table_count; i++) {
		const struct metric_row *row = &metrics_table[i];

		put_head(w, row->name, types[row->kind], row->help);
		if (row->kind == METRIC_HISTOGRAM)
			put_histogram(w, row);
		else
			put_plain(w, row);
	}
	put_processes(w, "process_start_timestamp_seconds", "gauge", "When a process was started, in unix seconds.",
	    FACT_STARTED);
	put_processes(w, "process_pid", "gauge", "Its number; 0: it is not there.", FACT_PID);
	put_processes(w, "process_starts_total", "counter", "How often a process was started.", FACT_STARTS);
	put_processes(
	    w, "process_resident_memory_bytes", "gauge", "Memory of a process, some seconds ago.", FACT_MEMORY);
}

/* ---- as text ---- */

static void
head_text(void *ctx, const char *name, const char *type, const char *help)
{
	(void)buf_putf(ctx, "# HELP " METRICS_PREFIX "%s %s\n# TYPE " METRICS_PREFIX "%s %s\n", name, help, name, type);
}

static void
each_text(void *ctx, const char *name, double value)
{
	(void)buf_putf(ctx, "%s %.15g\n", name, value);
}

int
metrics_write(struct buf *out)
{
	struct writing w = { .head = head_text, .each = each_text, .ctx = out };

	put_all(&w);
	return out->err;
}

void
metrics_each(void (*each)(void *ctx, const char *name, double value), void *ctx)
{
	struct writing w = { .each = each, .ctx = ctx };

	put_all(&w);
}

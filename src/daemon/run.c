/* SPDX-License-Identifier: ISC */
/* letterlockd run: the parent. Everything is started in one order, and stopped in the opposite one. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/counting.h"
#include "daemon/place.h"
#include "daemon/process_parent.h"
#include "daemon/process_signals.h"
#include "daemon/tokens.h"
#include "daemon/verbs.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/log.h"
#include "os/privileges.h"
#include "os/systemd.h"

#define PEM_MAX (96u << 10)
#define PATIENCE_MS 2000
#define PATIENCE_STEP_MS 50

struct run {
	const struct verb_input *in;
	struct config config; /* read again at SIGHUP; empty before the first time */
	struct listening listening;
	struct parent parent;
	uint8_t pin[TLS_PIN_SIZE];
	int signals;
	bool said_ready;
};

static int
read_certificate(struct run *r, const struct config *config, struct error *e)
{
	struct buf certificate, key;
	int rc;

	buf_init(&certificate, PEM_MAX);
	buf_init(&key, PEM_MAX);
	rc = place_tls(config, clock_unix(), &certificate, &key, r->pin, e);
	if (rc != 0) {
		buf_done(&certificate);
		buf_wipe_done(&key);
		return rc;
	}
	buf_done(&r->parent.certificate);
	buf_wipe_done(&r->parent.key);
	r->parent.certificate = certificate;
	r->parent.key = key;
	return 0;
}

/* Looked at here, so that a file that is wrong is said at the start and not by a child. */
static int
read_oauth_keys(struct run *r, const struct config *config, struct error *e)
{
	struct buf keys;
	int rc;

	buf_init(&keys, JWT_KEYS_TEXT_MAX);
	rc = config->oauth_keys == NULL ? 0 : tokens_read(config, &keys, e);
	if (rc != 0) {
		buf_done(&keys);
		return rc;
	}
	buf_done(&r->parent.oauth_keys);
	r->parent.oauth_keys = keys;
	return 0;
}

/* What it may still do is little: it starts its own program, and reads its configuration and certificate. */
static int
confine(const struct config *config, struct error *e)
{
	struct sandbox_state state;
	int rc = config->one_process ? 0 : sandbox_enter(SANDBOX_PARENT, NULL, &state, e);

	if (rc != 0)
		return rc;
	if (config->one_process) {
		log_note(LOG_LEVEL_WARNING, "daemon.one_process");
		return 0;
	}
	if (!privileges_are_roots())
		log_event(LOG_LEVEL_INFO, "daemon.not_root",
		    log_str(
			"so", "all processes are of this user; each is in its sandbox, none in a folder of its own"));
	else if (config->user == NULL)
		log_event(LOG_LEVEL_WARNING, "daemon.mail_is_root",
		    log_str("do", "set user in the configuration; the other processes are nobody"));
	return 0;
}

/* The data folder is there, ours, and served by nobody else. */
static int
take_place(const struct config *config, struct error *e)
{
	int rc = place_check_starter(config, e);

	if (rc == 0)
		rc = place_make(config, e);
	if (rc == 0)
		rc = place_check_backup(config, true, e);
	if (rc != 0)
		return rc;
	/* A server that was killed leaves processes that are about to end. */
	for (int i = 0; place_is_served(config) && i < PATIENCE_MS / PATIENCE_STEP_MS; i++)
		(void)usleep(PATIENCE_STEP_MS * 1000);
	if (place_is_served(config))
		return error_set(e, ERR_ORDER, "%s is in use by another process", config->data);
	place_remove_ports(config); /* left from a run that was killed */
	return 0;
}

static int
start(struct run *r, const struct config *config, struct error *e)
{
	int rc = take_place(config, e);

	if (rc == 0)
		rc = read_certificate(r, config, e);
	if (rc == 0)
		rc = read_oauth_keys(r, config, e);
	if (rc == 0)
		rc = listening_open(config, &r->listening, e);
	privileges_keep_to_ourselves(); /* the ports are bound */
	/* When the service manager's variables are cleared, and before the sandbox; of what is open here it keeps nothing. */
	if (rc == 0 && !config->one_process)
		rc = starter_begin(&r->parent.starter, e);
	if (rc == 0)
		rc = confine(config, e);
	return rc != 0 ? rc : parent_start(&r->parent, config, &r->listening, e);
}

static int
say_ready(struct run *r, struct error *e)
{
	const struct config *c = r->parent.config;
	char pin[TLS_PIN_TEXT];
	int rc;

	parent_go(&r->parent);
	tls_pin_text(r->pin, pin);
	for (int i = 0; i < CONFIG_PORT_COUNT; i++)
		if (r->listening.ports[i] != 0)
			log_event(LOG_LEVEL_INFO, "daemon.listens", log_str("for", config_port_names[i]),
			    log_u64("port", r->listening.ports[i]));
	if (c->lmtp_socket != NULL)
		log_event(LOG_LEVEL_INFO, "daemon.listens", log_str("for", config_port_names[CONFIG_PORT_LMTP]),
		    log_str("path", c->lmtp_socket));
	log_event(LOG_LEVEL_INFO, "daemon.ready", log_str("hostname", c->hostname), log_str("data", c->data),
	    log_str("pin", pin), log_u64("processes", c->one_process ? 1 : r->parent.count + 2));
	counting_configured(true, buf_slice(&r->parent.certificate));
	rc = place_write_ports(c, r->listening.ports, r->pin, e);
	if (rc == 0)
		systemd_ready("Serving.");
	r->said_ready = rc == 0;
	return rc;
}

/* ---- a new configuration ---- */

/* What only a start brings about is said, and not done. */
static void
say_what_waits(void *ctx, const char *name)
{
	(void)ctx;
	log_event(LOG_LEVEL_WARNING, "daemon.needs_restart", log_str("setting", name));
}

/* One line each, and the first once more as the reason. */
static int
read_config(const struct run *r, struct config *out, struct error *e)
{
	struct settings_problems problems;
	int rc = config_load(r->in->overrides, out, &problems);

	for (size_t i = 0; i < problems.count; i++)
		log_event(LOG_LEVEL_ERROR, "daemon.wrong_setting", log_error(&problems.list[i].error));
	if (rc != 0)
		*e = problems.list[0].error;
	return rc;
}

/* The file that was named at the start, when tokens are still to be taken: another name counts from the next start on. */
static int
read_oauth_keys_again(struct run *r, const struct config *fresh, struct error *e)
{
	struct config with = *fresh;

	with.oauth_keys = r->in->config->oauth_keys;
	return fresh->oauth_keys == NULL || with.oauth_keys == NULL ? 0 : read_oauth_keys(r, &with, e);
}

/* The configuration, the certificate and the log, anew; nothing of it is taken when any of it is wrong. */
static void
reload(struct run *r)
{
	struct config fresh;
	struct error e;
	int rc;

	systemd_reloading();
	(void)log_reopen(NULL);
	rc = read_config(r, &fresh, &e);
	if (rc == 0 &&
	    ((rc = read_oauth_keys_again(r, &fresh, &e)) != 0 || (rc = read_certificate(r, &fresh, &e)) != 0))
		config_done(&fresh);
	counting_configured(rc == 0, buf_slice(&r->parent.certificate));
	if (rc != 0) {
		log_event(LOG_LEVEL_ERROR, "daemon.not_reloaded", log_error(&e));
	} else {
		/* Texts of the first one are kept by `in` for good; those of later ones until the next. */
		config_keep_fixed(r->in->config, &fresh, say_what_waits, NULL);
		config_done(&r->config);
		r->config = fresh;
		r->parent.config = &r->config;
		log_level_set(fresh.log_level);
		log_note(LOG_LEVEL_INFO, "daemon.reloaded");
	}
	parent_tell_settings(&r->parent);
	systemd_ready(rc == 0 ? "Serving." : "Serving; the new configuration is refused, the log says why.");
}

/* ---- the loop ---- */

/* True when it is the end. */
static bool
take_signals(struct run *r)
{
	int number;

	while ((number = signals_next(r->signals)) != 0) {
		if (number == SIGHUP) {
			reload(r);
			continue;
		}
		log_event(LOG_LEVEL_INFO, "daemon.stops", log_str("signal", number == SIGINT ? "SIGINT" : "SIGTERM"));
		systemd_stopping();
		return true;
	}
	return false;
}

static int
serve(struct run *r, struct error *e)
{
	int rc = 0;

	while (rc == 0) {
		rc = parent_turn(&r->parent, r->signals);
		if (rc != 0) {
			*e = r->parent.error;
			return r->parent.error.code;
		}
		if (!r->said_ready && parent_is_ready(&r->parent))
			rc = say_ready(r, e);
		if (take_signals(r))
			return 0;
	}
	return rc;
}

int
verb_run(const struct verb_input *in)
{
	struct run r = { .in = in, .parent.starter.control = -1, .signals = -1 };
	struct error e;
	int rc;

	if (in->word_count > 0) {
		(void)error_set(&e, ERR_USAGE, "run takes no words, only options");
		return verb_failed(&e);
	}
	rc = signals_open(&r.signals, &e);
	if (rc == 0)
		rc = log_open(in->config->log_level, in->config->log_file, &e);
	if (rc == 0)
		rc = start(&r, in->config, &e);
	if (rc == 0)
		rc = serve(&r, &e);
	if (r.said_ready)
		place_remove_ports(in->config); /* not that of a server that has the folder */
	parent_stop(&r.parent);
	listening_close(&r.listening);
	config_done(&r.config);
	return rc != 0 ? verb_failed(&e) : EXIT_DONE;
}

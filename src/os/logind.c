/* SPDX-License-Identifier: ISC */
#include "os/logind.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/clock.h"
#include "os/late.h"

#define NAME "org.freedesktop.login1"
#define PATH "/org/freedesktop/login1"
#define MANAGER "org.freedesktop.login1.Manager"
#define SESSION "org.freedesktop.login1.Session"
#define CALL_US 2000000u
#define TIMEOUT_MAX_MS 60000
#define SESSION_MAX 256u

struct logind {
	sd_bus *bus;
	int inhibitor; /* -1: none */
	bool suspend, awake, lock, look, gone;
	char session[SESSION_MAX]; /* its object's path; empty: this process belongs to none */
};

/* ---- libsystemd ---- */

#define FUNCTIONS(F) \
	F(open_system) \
	F(get_fd) \
	F(get_events) \
	F(get_timeout) \
	F(process) \
	F(match_signal) \
	F(call_method) \
	F(get_property_trivial) \
	F(message_read) \
	F(message_unref) \
	F(error_free) \
	F(set_method_call_timeout) \
	F(flush_close_unref)

static struct bus_library {
#define MEMBER(name) __typeof__(sd_bus_##name) *name;
	FUNCTIONS(MEMBER)
#undef MEMBER
} lib;

static const struct late_symbol symbols[] = {
#define SYMBOL(name) { "sd_bus_" #name, offsetof(struct bus_library, name) },
	FUNCTIONS(SYMBOL)
#undef SYMBOL
};

static struct late library = {
	.library = "libsystemd.so.0",
	.package = "libsystemd0",
	.symbols = symbols,
	.symbol_count = sizeof symbols / sizeof symbols[0],
	.table = &lib,
};

/* ---- calls ---- */

/* The answer's one value, read by this type. */
static bool
ask(struct logind *l, const char *method, const char *type, void *value, sd_bus_message **reply, const char *in, ...)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	va_list args;
	const char *a[4] = { NULL };
	int rc;

	va_start(args, in);
	for (size_t i = 0; in[i] == 's' && i < 4; i++)
		a[i] = va_arg(args, const char *);
	va_end(args);
	*reply = NULL;
	if (in[0] == 'u')
		rc = lib.call_method(l->bus, NAME, PATH, MANAGER, method, &error, reply, "u", 0);
	else if (in[1] == '\0')
		rc = lib.call_method(l->bus, NAME, PATH, MANAGER, method, &error, reply, "s", a[0]);
	else
		rc =
		    lib.call_method(l->bus, NAME, PATH, MANAGER, method, &error, reply, "ssss", a[0], a[1], a[2], a[3]);
	lib.error_free(&error);
	return rc >= 0 && lib.message_read(*reply, type, value) > 0;
}

static bool
take_inhibitor(struct logind *l)
{
	sd_bus_message *reply;
	int fd = -1;

	logind_release(l);
	if (ask(l, "Inhibit", "h", &fd, &reply, "ssss", "sleep", "Letterlock", "Secret keys are forgotten before sleep",
		"delay"))
		l->inhibitor = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	lib.message_unref(reply);
	return l->inhibitor >= 0;
}

void
logind_release(struct logind *l)
{
	if (l == NULL || l->inhibitor < 0)
		return;
	(void)close(l->inhibitor);
	l->inhibitor = -1;
}

/* A process that a session did not start (a service of the user) has none; then the variable may tell. */
static void
find_session(struct logind *l)
{
	const char *id = getenv("XDG_SESSION_ID"), *path = NULL;
	sd_bus_message *reply;

	if (ask(l, "GetSessionByPID", "o", &path, &reply, "u"))
		(void)snprintf(l->session, sizeof l->session, "%s", path);
	lib.message_unref(reply);
	if (l->session[0] != '\0' || id == NULL)
		return;
	if (ask(l, "GetSession", "o", &path, &reply, "s", id))
		(void)snprintf(l->session, sizeof l->session, "%s", path);
	lib.message_unref(reply);
}

/* ---- signals ---- */

static int
on_sleep(sd_bus_message *m, void *ctx, sd_bus_error *error)
{
	struct logind *l = ctx;
	int begins = 0;

	(void)error;
	if (lib.message_read(m, "b", &begins) > 0) {
		l->suspend = l->suspend || begins;
		l->awake = !begins;
	}
	return 0;
}

static int
on_lock(sd_bus_message *m, void *ctx, sd_bus_error *error)
{
	struct logind *l = ctx;

	(void)m;
	(void)error;
	l->lock = true;
	return 0;
}

/* Some desktops lock by themselves and only set the hint. */
static int
on_change(sd_bus_message *m, void *ctx, sd_bus_error *error)
{
	struct logind *l = ctx;

	(void)m;
	(void)error;
	l->look = true;
	return 0;
}

/* Without a session of its own it takes everybody's lock for its own: it is the safe side. */
static bool
subscribe(struct logind *l)
{
	const char *session = l->session[0] == '\0' ? NULL : l->session;

	if (lib.match_signal(l->bus, NULL, NAME, PATH, MANAGER, "PrepareForSleep", on_sleep, l) < 0 ||
	    lib.match_signal(l->bus, NULL, NAME, session, SESSION, "Lock", on_lock, l) < 0)
		return false;
	return session == NULL ||
	    lib.match_signal(
		l->bus, NULL, NAME, session, "org.freedesktop.DBus.Properties", "PropertiesChanged", on_change, l) >= 0;
}

static bool
hinted(struct logind *l)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	int locked = 0;

	if (lib.get_property_trivial(l->bus, NAME, l->session, SESSION, "LockedHint", &error, 'b', &locked) < 0)
		locked = 0;
	lib.error_free(&error);
	return locked != 0;
}

/* ---- the whole ---- */

int
logind_open(struct logind **out, struct error *e)
{
	struct logind *l;

	if (late_load(&library, ERR_NOT_FOUND, e) != 0)
		return ERR_NOT_FOUND;
	l = mem_alloc(sizeof *l);
	if (l == NULL)
		return error_nomem(e);
	l->inhibitor = -1;
	if (lib.open_system(&l->bus) >= 0) {
		(void)lib.set_method_call_timeout(l->bus, CALL_US);
		find_session(l);
		if (subscribe(l) && take_inhibitor(l)) {
			*out = l;
			return 0;
		}
	}
	logind_close(l);
	return error_set(e, ERR_NOT_FOUND, "there is no logind here");
}

void
logind_close(struct logind *l)
{
	if (l == NULL)
		return;
	logind_release(l);
	if (l->bus != NULL)
		(void)lib.flush_close_unref(l->bus);
	mem_free(l);
}

int
logind_fd(const struct logind *l)
{
	return l == NULL ? -1 : lib.get_fd(l->bus);
}

short
logind_events(const struct logind *l)
{
	int events = l == NULL ? 0 : lib.get_events(l->bus);

	return (short)(events < 0 ? POLLIN : events);
}

int
logind_timeout_ms(const struct logind *l)
{
	uint64_t until = UINT64_MAX;
	int64_t left;

	if (l == NULL || lib.get_timeout(l->bus, &until) < 0 || until > INT64_MAX)
		return TIMEOUT_MAX_MS;
	left = (int64_t)until / 1000 - clock_ms() + 1;
	return left < 0 ? 0 : left > TIMEOUT_MAX_MS ? TIMEOUT_MAX_MS : (int)left;
}

static bool
take(bool *flag)
{
	bool was = *flag;

	*flag = false;
	return was;
}

enum logind_event
logind_next(struct logind *l)
{
	int rc = 1;

	if (l == NULL)
		return LOGIND_NOTHING;
	while (rc > 0 && !l->suspend && !l->lock)
		rc = lib.process(l->bus, NULL);
	if (take(&l->suspend))
		return LOGIND_SUSPEND;
	if (take(&l->lock) || (take(&l->look) && hinted(l)))
		return LOGIND_LOCK;
	if (rc < 0 || (take(&l->awake) && l->inhibitor < 0 && !take_inhibitor(l)))
		return LOGIND_GONE;
	return LOGIND_NOTHING;
}

/* SPDX-License-Identifier: ISC */
#include "daemon/place.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "daemon/process_control.h"
#include "os/file.h"
#include "store/store.h"

static void
say(void *ctx, const char *line)
{
	(void)ctx;
	log_event(LOG_LEVEL_INFO, "store.says", log_str("text", line));
}

static atomic_bool failed;

/* The store writes nothing any more: the process ends, as if asked to, and with another status. */
static void
stopped(void *ctx, const char *why)
{
	(void)ctx;
	log_event(LOG_LEVEL_FATAL, "store.stopped", log_str("why", why));
	atomic_store(&failed, true);
	(void)kill(getpid(), SIGTERM);
}

bool
place_failed(void)
{
	return atomic_load(&failed);
}

static int
add_domains(const struct place *p, struct error *e)
{
	for (size_t i = 0; i < p->config->domain_count; i++) {
		struct store_domain request = { .domain = slice_str(p->config->domains[i]) };
		struct store_nothing reply;
		ARENA_OWNED struct arena a = { 0 };
		int rc;

		arena_init(&a, 1 << 16);
		rc = store_domain_add(p->port, &request, &a, &reply, e);
		if (rc != 0)
			return rc;
	}
	return 0;
}

int
place_open(const struct config *config, struct place *place_out, struct error *e)
{
	const struct store_options options = { .folder = config->data, .say = say, .stopped = stopped };
	struct place p = { .config = config };
	int rc = dir_make_private(config->data, e);

	if (rc == 0)
		rc = store_open(&options, &p.store, e);
	if (rc == 0)
		rc = port_open_local(store_service(p.store), &p.port, e);
	if (rc == 0)
		rc = add_domains(&p, e);
	if (rc != 0)
		place_close(&p);
	else
		*place_out = p;
	return rc;
}

int
place_reach(const struct config *config, struct place *place_out, struct error *e)
{
	struct place p = { .config = config };

	if (control_connect(config->data, &p.port, NULL) != 0)
		return place_open(config, place_out, e);
	*place_out = p;
	return 0;
}

void
place_close(struct place *p)
{
	port_close(p->port);
	store_close(p->store);
	*p = (struct place){ 0 };
}

/* ---- certificate ---- */

static int
make_certificate(const struct config *config, uint64_t now, const char *certificate, const char *key, struct error *e)
{
	const char *names[CONFIG_LIST_MAX + 1] = { config->hostname };
	size_t count = 1;
	struct buf a, b;
	int rc;

	for (size_t i = 0; i < config->domain_count; i++)
		if (strcmp(config->domains[i], config->hostname) != 0)
			names[count++] = config->domains[i];
	buf_init(&a, 1 << 16);
	buf_init(&b, 1 << 16);
	rc = tls_self_signed(names, count, now, &a, &b, e);
	/* The key first: a certificate without its key would stay in the way. */
	if (rc == 0)
		rc = file_write_atomic(key, buf_slice(&b), 0600, e);
	if (rc == 0)
		rc = file_write_atomic(certificate, buf_slice(&a), 0644, e);
	buf_done(&a);
	buf_wipe_done(&b);
	return rc;
}

struct tls_paths {
	char folder[FILE_PATH_MAX], certificate[FILE_PATH_MAX], key[FILE_PATH_MAX];
};

static int
find_paths(const struct config *config, struct tls_paths *p, struct error *e)
{
	int rc = path_join(p->folder, config->data, "tls", e);

	if (rc == 0)
		rc = path_join(p->certificate, p->folder, "certificate.pem", e);
	return rc != 0 ? rc : path_join(p->key, p->folder, "key.pem", e);
}

bool
place_has_tls(const struct config *config)
{
	struct tls_paths p;

	return config->tls_certificate != NULL || (find_paths(config, &p, NULL) == 0 && file_exists(p.certificate));
}

int
place_tls(const struct config *config, uint64_t now, struct tls_server **tls_out, struct error *e)
{
	struct tls_paths p;
	int rc;

	if (config->tls_certificate != NULL)
		return tls_server_new(config->tls_certificate, config->tls_key, tls_out, e);
	rc = find_paths(config, &p, e);
	if (rc == 0)
		rc = dir_make_private(p.folder, e);
	if (rc == 0 && !file_exists(p.certificate))
		rc = make_certificate(config, now, p.certificate, p.key, e);
	return rc != 0 ? rc : tls_server_new(p.certificate, p.key, tls_out, e);
}

/* ---- ports.json ---- */

int
place_write_ports(const struct config *config, const uint16_t ports[CONFIG_PORT_COUNT], const uint8_t pin[TLS_PIN_SIZE],
    struct error *e)
{
	char path[FILE_PATH_MAX], pin_text[TLS_PIN_TEXT];
	BUF_OWNED struct buf text = { 0 };
	int rc = path_join(path, config->data, "ports.json", e);

	if (rc != 0)
		return rc;
	buf_init(&text, 4096);
	tls_pin_text(pin, pin_text);
	(void)buf_put_str(&text, "{");
	for (int i = 0; i < CONFIG_PORT_COUNT; i++)
		if (ports[i] != 0)
			(void)buf_putf(&text, "\"%s\": %u, ", config_port_names[i], ports[i]);
	(void)buf_putf(&text, "\"pin\": \"%s\"}\n", pin_text);
	return file_write_atomic(path, buf_slice(&text), 0644, e);
}

void
place_remove_ports(const struct config *config)
{
	char path[FILE_PATH_MAX];

	if (path_join(path, config->data, "ports.json", NULL) == 0)
		(void)file_remove(path, NULL);
}

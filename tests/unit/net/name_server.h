/* SPDX-License-Identifier: ISC */
/*
 * A name server for tests: Debian's nsd on loopback with four zones, made and
 * signed at test time by ldnsutils.
 *
 *   signed.test   signed; its DS record is an anchor
 *   bogus.test    signed by another key than its anchor says
 *   plain.test    not signed
 *   2.0.192.in-addr.arpa, 8.b.d.0.1.0.0.2.ip6.arpa   not signed: who has the addresses for documentation
 */
#ifndef TESTS_UNIT_NET_NAME_SERVER_H
#define TESTS_UNIT_NET_NAME_SERVER_H

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "net/dns.h"
#include "os/file.h"
#include "os/spawn.h"
#include "unit.h"

#define NAME_SERVER_FN static inline __attribute__((unused))
#define ZONE_HEAD "$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 300\n@ NS ns.plain.test.\n"
#define NAME_SERVER_TEXTS 150u /* of 250 octets: more than an answer may hold */

static struct name_server {
	char folder[64];
	char server[32]; /* "127.0.0.1@port" */
	struct buf anchors;
	pid_t pid;
} name_server;

static const struct name_server_zone {
	const char *name, *records;
	bool is_signed;
} name_server_zones[] = {
	{ "signed.test",
	    "www A 192.0.2.1\nwww A 192.0.2.2\nalias CNAME www\nelsewhere CNAME www.plain.test.\nring1 CNAME ring2\n"
	    "ring2 CNAME ring1\n@ MX 10 www\n",
	    true },
	{ "bogus.test", "www A 192.0.2.1\n", true },
	{ "plain.test",
	    "ns A 127.0.0.1\nwww A 192.0.2.1\nmail A 192.0.2.99\nmail A 192.0.2.7\nmail6 AAAA 2001:db8::7\n"
	    "liar A 192.0.2.1\nbogus-alias CNAME www.bogus.test.\n",
	    false },
	{ "2.0.192.in-addr.arpa",
	    "7 PTR mail.plain.test.\n"    /* confirmed */
	    "8 PTR liar.plain.test.\n"    /* it has another address */
	    "9 PTR nothing.plain.test.\n" /* there is no such name */
	    "10 PTR www.bogus.test.\n"    /* a forged one */
	    "1 PTR in\\032two.plain.test.\n1 PTR a\\(b\\013\\010c.plain.test.\n1 PTR www.plain.test.\n"
	    "99 PTR a.plain.test.\n99 PTR b.plain.test.\n99 PTR c.plain.test.\n99 PTR d.plain.test.\n"
	    "99 PTR mail.plain.test.\n",
	    false },
	{ "8.b.d.0.1.0.0.2.ip6.arpa", "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 PTR mail6.plain.test.\n",
	    false },
};

NAME_SERVER_FN void
name_server_write(const char *name, const char *end, struct slice text)
{
	char path[160];

	(void)snprintf(path, sizeof path, "%s/%s%s", name_server.folder, name, end);
	assert_ok(file_write_atomic(path, text, 0600, &unit_error));
}

NAME_SERVER_FN void
name_server_run(const char *const argv[], struct buf *out)
{
	struct spawn_result result;

	assert_ok(spawn_run(argv, SLICE_EMPTY, out, 60000, &result, &unit_error));
	assert_int_equal(result.status, 0);
}

/* Its anchor is right, except that of bogus.test. */
NAME_SERVER_FN void
name_server_sign(const char *name)
{
	const char *const keygen[] = { "ldns-keygen", "-a", "ECDSAP256SHA256", "-k", name, NULL };
	const char *sign[] = { "ldns-signzone", "-f", name, name, NULL, NULL };
	char base[128], path[256];
	struct buf key, ds;

	buf_init(&key, sizeof base - 1);
	buf_init(&ds, 1024);
	name_server_run(keygen, &key);
	(void)snprintf(base, sizeof base, "%.*s", (int)slice_trim(buf_slice(&key)).len, (const char *)key.data);
	sign[4] = base;
	name_server_run(sign, NULL);
	(void)snprintf(path, sizeof path, "%s.ds", base);
	assert_ok(file_read(path, &ds, &unit_error));
	if (strcmp(name, "bogus.test") == 0) {
		uint8_t *last = &ds.data[slice_trim(buf_slice(&ds)).len - 1];

		*last = *last == '0' ? '1' : '0';
	}
	(void)buf_put_slice(&name_server.anchors, buf_slice(&ds));
	buf_done(&key);
	buf_done(&ds);
}

NAME_SERVER_FN void
name_server_make_zones(struct buf *config)
{
	for (size_t i = 0; i < sizeof name_server_zones / sizeof name_server_zones[0]; i++) {
		const struct name_server_zone *z = &name_server_zones[i];
		struct buf text;

		buf_init(&text, 1u << 20);
		(void)buf_putf(&text, "$ORIGIN %s.\n" ZONE_HEAD "%s", z->name, z->records);
		for (unsigned k = 0; strcmp(z->name, "plain.test") == 0 && k < NAME_SERVER_TEXTS; k++)
			(void)buf_putf(&text, "huge TXT \"%0250u\"\n", k);
		name_server_write(z->name, "", buf_slice(&text));
		if (z->is_signed)
			name_server_sign(z->name);
		(void)buf_putf(config, "zone:\n name: %s\n zonefile: %s\n", z->name, z->name);
		buf_done(&text);
	}
}

/* A port of loopback that was free a moment ago, for UDP. *fd_out keeps it bound, unless NULL. */
NAME_SERVER_FN uint16_t
name_server_port(int *fd_out)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof any;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&any, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&any, &len), 0);
	if (fd_out != NULL)
		*fd_out = fd;
	else
		(void)close(fd);
	return ntohs(any.sin_port);
}

/* It answers when a connection is accepted. */
NAME_SERVER_FN bool
name_server_wait(uint16_t port)
{
	const struct sockaddr_in there = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};
	bool up = false;

	for (unsigned i = 0; !up && i < 3000; i++) {
		int fd;

		if (waitpid(name_server.pid, NULL, WNOHANG) != 0)
			return false;
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		up = connect(fd, (const struct sockaddr *)&there, sizeof there) == 0;
		(void)close(fd);
		if (!up)
			(void)usleep(10000);
	}
	return up;
}

/* False: somebody else took the port meanwhile. */
NAME_SERVER_FN bool
name_server_try(uint16_t port)
{
	struct buf config;
	bool up;

	buf_init(&config, 65536);
	buf_clear(&name_server.anchors);
	(void)snprintf(name_server.folder, sizeof name_server.folder, "/tmp/letterlock-dns-XXXXXX");
	assert_non_null(mkdtemp(name_server.folder));
	assert_int_equal(chdir(name_server.folder), 0);
	(void)buf_putf(&config,
	    "server:\n ip-address: 127.0.0.1@%u\n username: \"\"\n chroot: \"\"\n zonesdir: \"%s\"\n database: \"\"\n"
	    " pidfile: \"\"\n logfile: \"%s/log\"\n xfrdir: \"%s\"\n xfrdfile: \"\"\n zonelistfile: \"%s/zones\"\n"
	    " server-count: 1\nremote-control:\n control-enable: no\n",
	    port, name_server.folder, name_server.folder, name_server.folder, name_server.folder);
	name_server_make_zones(&config);
	name_server_write("nsd.conf", "", buf_slice(&config));
	buf_done(&config);
	name_server.pid = fork();
	if (name_server.pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
		(void)execl("/usr/sbin/nsd", "nsd", "-d", "-c", "nsd.conf", (char *)NULL);
		_exit(127);
	}
	up = name_server_wait(port);
	(void)snprintf(name_server.server, sizeof name_server.server, "127.0.0.1@%u", port);
	return up;
}

NAME_SERVER_FN int
name_server_begin(void **state)
{
	bool up = false;

	(void)state;
	buf_init(&name_server.anchors, 4096);
	for (int i = 0; !up && i < 5; i++)
		up = name_server_try(name_server_port(NULL));
	assert_true(up);
	return 0;
}

NAME_SERVER_FN int
name_server_end(void **state)
{
	const char *const remove[] = { "rm", "-r", name_server.folder, NULL };

	(void)state;
	(void)kill(name_server.pid, SIGTERM);
	(void)waitpid(name_server.pid, NULL, 0);
	assert_int_equal(chdir("/"), 0);
	name_server_run(remove, NULL);
	buf_done(&name_server.anchors);
	return 0;
}

/* Asks it, with its anchors. */
NAME_SERVER_FN struct dns *
name_server_dns(void)
{
	const struct slice server = slice_str(name_server.server);
	const struct dns_config config = {
		.servers = &server, .server_count = 1, .anchors = buf_slice(&name_server.anchors)
	};
	struct dns *d;

	assert_ok(dns_new(&config, &d, &unit_error));
	assert_ok(dns_start(d, &unit_error));
	return d;
}

#endif

/* SPDX-License-Identifier: ISC */
/*
 * Runs a fuzz target over its corpus without a fuzzer: every file of the
 * folder in argv[1] whole, cut at places spread over its length, and with
 * single bits flipped. Prints TAP, one line a file.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX_OCTETS (1u << 20)
#define VARIANTS 64u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
variants(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < VARIANTS && size > 0; i++) {
		size_t at = size * i / VARIANTS;
		/* A fresh block of the exact size each time, so that AddressSanitizer sees one octet too far. */
		uint8_t *copy = malloc(size);

		if (copy == NULL)
			abort();
		memcpy(copy, data, size);
		copy[at] ^= (uint8_t)(1u << i % 8);
		(void)LLVMFuzzerTestOneInput(copy, size);
		free(copy);
		copy = malloc(at == 0 ? 1 : at);
		if (copy == NULL)
			abort();
		memcpy(copy, data, at);
		(void)LLVMFuzzerTestOneInput(copy, at);
		free(copy);
	}
}

static int
replay(const char *dir, const char *name)
{
	static uint8_t data[FILE_MAX_OCTETS];
	char path[4096];
	size_t n;
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "rb");
	if (f == NULL)
		return -1;
	n = fread(data, 1, sizeof data, f);
	(void)fclose(f);
	(void)LLVMFuzzerTestOneInput(data, n);
	variants(data, n);
	return 0;
}

int
main(int argc, char **argv)
{
	struct dirent *entry;
	int count = 0;
	DIR *d = argc == 2 ? opendir(argv[1]) : NULL;

	if (d == NULL) {
		printf("1..1\nnot ok 1 - no corpus folder %s\n", argc == 2 ? argv[1] : "given");
		return 1;
	}
	while ((entry = readdir(d)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		printf("%sok %d - %s\n", replay(argv[1], entry->d_name) == 0 ? "" : "not ", ++count, entry->d_name);
	}
	(void)closedir(d);
	printf("1..%d\n", count);
	return count == 0;
}

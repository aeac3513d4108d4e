/* SPDX-License-Identifier: ISC */
#include "client/options.h"

#include <string.h>

#define NUMBER_MAX UINT32_MAX

static const struct option *
find(const struct option *options, size_t count, struct slice name)
{
	for (size_t i = 0; i < count; i++) {
		if (slice_eq_str(name, options[i].name))
			return &options[i];
	}
	return NULL;
}

static int
add(struct option_list *list, const char *item, struct error *e)
{
	if (list->count == OPTIONS_LIST_MAX)
		return error_set(e, ERR_LIMIT, "more than %u things of one kind on the command line", OPTIONS_LIST_MAX);
	list->items[list->count++] = item;
	return 0;
}

static int
set_number(const struct option *o, const char *value, uint64_t max, uint64_t *out, struct error *e)
{
	if (slice_to_u64(slice_str(value), max, out))
		return 0;
	return error_set(e, ERR_USAGE, "--%s wants a number, not '%s'", o->name, value);
}

static int
set(const struct option *o, const char *value, struct error *e)
{
	uint64_t n;
	int rc = 0;

	switch (o->kind) {
	case OPTION_FLAG:
		*(bool *)o->target = true;
		break;
	case OPTION_TEXT:
		*(const char **)o->target = value;
		break;
	case OPTION_LIST:
		rc = add(o->target, value, e);
		break;
	case OPTION_FD:
		rc = set_number(o, value, 1u << 20, &n, e);
		if (rc == 0)
			*(int *)o->target = (int)n;
		break;
	case OPTION_NUMBER:
		rc = set_number(o, value, NUMBER_MAX, &n, e);
		if (rc == 0)
			*(uint32_t *)o->target = (uint32_t)n;
		break;
	}
	return rc;
}

/* The value is the next word. */
static int
take_value(int argc, char **argv, int *at, const struct option *o, struct error *e)
{
	if (*at + 1 >= argc)
		return error_set(e, ERR_USAGE, "--%s wants a value", o->name);
	return set(o, argv[++*at], e);
}

/* An option at argv[*at]; moves *at over its value. */
static int
take(int argc, char **argv, int *at, const struct option *options, size_t count, struct error *e)
{
	const char *word = argv[*at] + 2, *equals = strchr(word, '=');
	struct slice name = equals == NULL ? slice_str(word) : slice_of(word, (size_t)(equals - word));
	const struct option *o = find(options, count, name);

	if (o == NULL)
		return error_set(e, ERR_USAGE, "the option --%.*s is not known here; see --help",
		    (int)size_min(name.len, 60), (const char *)name.data);
	if (o->kind == OPTION_FLAG)
		return equals == NULL ? set(o, NULL, e) : error_set(e, ERR_USAGE, "--%s takes no value", o->name);
	if (equals != NULL)
		return set(o, equals + 1, e);
	return take_value(argc, argv, at, o, e);
}

int
options_parse(
    int argc, char **argv, const struct option *options, size_t count, struct option_list *arguments, struct error *e)
{
	bool over = false;
	int rc = 0;

	arguments->count = 0;
	for (int i = 0; i < argc && rc == 0; i++) {
		if (over || argv[i][0] != '-' || argv[i][1] == '\0')
			rc = add(arguments, argv[i], e);
		else if (strcmp(argv[i], "--") == 0)
			over = true;
		else if (strcmp(argv[i], "-h") == 0 && find(options, count, SLICE("help")) != NULL)
			rc = set(find(options, count, SLICE("help")), NULL, e);
		else if (strcmp(argv[i], "-o") == 0 && find(options, count, SLICE("output")) != NULL)
			rc = take_value(argc, argv, &i, find(options, count, SLICE("output")), e);
		else if (strcmp(argv[i], "-k") == 0 && find(options, count, SLICE("keyring")) != NULL)
			rc = take_value(argc, argv, &i, find(options, count, SLICE("keyring")), e);
		else if (argv[i][1] == '-')
			rc = take(argc, argv, &i, options, count, e);
		else
			rc = error_set(
			    e, ERR_USAGE, "'%s' is not known here; options have two dashes, see --help", argv[i]);
	}
	return rc;
}

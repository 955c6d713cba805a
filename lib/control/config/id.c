#include "control/config/id.h"

#include "control/config/schema.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#define SEGMENTS_MAX 12

struct segments {
	const char *p[SEGMENTS_MAX];
	size_t n[SEGMENTS_MAX];
	uint32_t count;
};

static int split(struct segments *segments, const char *text)
{
	const char *p = text;

	segments->count = 0;
	while (*p) {
		size_t n = strcspn(p, "/");

		if (!n || segments->count == SEGMENTS_MAX)
			return -EINVAL;
		segments->p[segments->count] = p;
		segments->n[segments->count++] = n;
		p += n;
		if (*p == '/' && !*++p)
			return -EINVAL;
	}
	return segments->count ? 0 : -EINVAL;
}

static bool segment_is(const struct segments *s, uint32_t i, const char *name)
{
	return i < s->count && strlen(name) == s->n[i] && !strncasecmp(s->p[i], name, s->n[i]);
}

bool config_name_valid(const char *name, size_t n)
{
	if (n < 1 || n > 80 || !isalnum((unsigned char)name[0]))
		return false;
	for (size_t i = 1; i < n; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("_.-", name[i]))
			return false;
	return isalnum((unsigned char)name[n - 1]) || name[n - 1] == '_';
}

static char *put(char *to, const char *text, size_t n)
{
	memcpy(to, text, n);
	return to + n;
}

static char *put_text(char *to, const char *text)
{
	return put(to, text, strlen(text));
}

static int key_set(struct config_ref *ref, struct config_arena *arena)
{
	char *key = config_arena_text(arena, ref->id);

	if (!key)
		return -ENOMEM;
	for (char *c = key; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	ref->key = key;
	return 0;
}

struct parts {
	const char *subscription;
	size_t subscription_n;
	const char *group;
	size_t group_n;
	const char *name;
	size_t name_n;
	const char *child_name;
	size_t child_n;
};

static int compose(struct config_ref *ref, struct config_arena *arena, const struct parts *parts,
		   const char *list, const char *child)
{
	static const char provider[] = "/providers/Microsoft.Network/";
	size_t n = sizeof("/subscriptions//resourceGroups//") + sizeof(provider) +
		   parts->subscription_n + parts->group_n + strlen(list) + parts->name_n +
		   (child ? strlen(child) + parts->child_n + 2 : 0);
	char *id = config_arena_alloc(arena, n + 1);
	char *p = id;

	if (!id)
		return -ENOMEM;
	p = put_text(p, "/subscriptions/");
	p = put(p, parts->subscription, parts->subscription_n);
	p = put_text(p, "/resourceGroups/");
	p = put(p, parts->group, parts->group_n);
	p = put_text(p, provider);
	p = put_text(p, list);
	p = put_text(p, "/");
	p = put(p, parts->name, parts->name_n);
	if (child) {
		p = put_text(p, "/");
		p = put_text(p, child);
		p = put_text(p, "/");
		p = put(p, parts->child_name, parts->child_n);
	}
	*p = '\0';
	ref->id = id;
	return key_set(ref, arena);
}

static void take_names(struct parts *parts, const struct segments *s, uint32_t name, uint32_t child)
{
	parts->name = s->p[name];
	parts->name_n = s->n[name];
	if (child) {
		parts->child_name = s->p[child];
		parts->child_n = s->n[child];
	}
}

/* LIST/NAME[/CHILD/NAME] from segment `from` on. */
static bool match_path(struct parts *parts, const struct segments *s, uint32_t from,
		       const char *list, const char *child)
{
	if (s->count != from + (child ? 4 : 2) || !segment_is(s, from, list) ||
	    (child && !segment_is(s, from + 2, child)))
		return false;
	take_names(parts, s, from + 1, child ? from + 3 : 0);
	return true;
}

static bool match_full(struct parts *parts, const struct segments *s, const char *list,
		       const char *child)
{
	if (!segment_is(s, 0, "subscriptions") || !segment_is(s, 2, "resourceGroups") ||
	    !segment_is(s, 4, "providers") || !segment_is(s, 5, "Microsoft.Network"))
		return false;
	parts->subscription = s->p[1];
	parts->subscription_n = s->n[1];
	parts->group = s->p[3];
	parts->group_n = s->n[3];
	return match_path(parts, s, 6, list, child);
}

static bool match_bare(struct parts *parts, const struct segments *s, const char *child)
{
	if (s->count != (child ? 2u : 1u))
		return false;
	take_names(parts, s, 0, child ? 1 : 0);
	return true;
}

int config_id_resolve(struct config_ref *ref, struct config_arena *arena,
		      const struct config_scope *scope, enum config_kind kind, const char *child,
		      const char *text)
{
	const char *list = schema_kind(kind)->list;
	struct parts parts = { .subscription = scope->subscription,
			       .subscription_n = strlen(scope->subscription),
			       .group = scope->group,
			       .group_n = strlen(scope->group) };
	struct segments s;
	bool ok;

	if (split(&s, text + (text[0] == '/')))
		return -EINVAL;
	if (text[0] != '/')
		ok = match_bare(&parts, &s, child);
	else
		ok = match_full(&parts, &s, list, child) || match_path(&parts, &s, 0, list, child);
	if (!ok || !config_name_valid(parts.name, parts.name_n) ||
	    (child && !config_name_valid(parts.child_name, parts.child_n)))
		return -EINVAL;
	return compose(ref, arena, &parts, list, child);
}

int config_id_child(struct config_ref *ref, struct config_arena *arena, const char *parent,
		    const char *child, const char *name)
{
	char *id = config_arena_alloc(arena, strlen(parent) + strlen(child) + strlen(name) + 3);
	char *p = id;

	if (!id)
		return -ENOMEM;
	p = put_text(p, parent);
	p = put_text(p, "/");
	p = put_text(p, child);
	p = put_text(p, "/");
	p = put_text(p, name);
	*p = '\0';
	ref->id = id;
	return key_set(ref, arena);
}

const char *config_id_name(const char *id)
{
	const char *slash = strrchr(id, '/');

	return slash ? slash + 1 : id;
}

bool config_ref_is_named(const struct config_ref *ref, const char *name)
{
	return ref->key && !strcasecmp(config_id_name(ref->key), name);
}

size_t config_key_parent(const char *key)
{
	size_t n = strlen(key);

	for (int cut = 0; cut < 2 && n; cut++)
		while (n && key[--n] != '/')
			;
	return n;
}

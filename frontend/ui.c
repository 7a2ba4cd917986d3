/*
 * Whose the host's keyboard and mouse are, when there are several guests: of the one in focus, if it may
 * have them; else of the only one that may; else nobody's.
 */
#include "frontend/ui.h"

#include <stddef.h>

static bool may_have(const struct ui_guest *g, bool mouse)
{
	return mouse ? g->mouse : g->keyboard;
}

static struct ui_guest *owner(const struct ui_view *v, bool mouse)
{
	struct ui_guest *only = NULL;

	if (may_have(&v->guest[v->focus], mouse))
		return &v->guest[v->focus];
	for (unsigned i = 0; i < v->guests; i++) {
		if (!may_have(&v->guest[i], mouse))
			continue;
		if (only)
			return NULL;
		only = &v->guest[i];
	}
	return only;
}

struct ui_guest *ui_keyboard(const struct ui_view *v)
{
	return owner(v, false);
}

struct ui_guest *ui_mouse(const struct ui_view *v)
{
	return owner(v, true);
}

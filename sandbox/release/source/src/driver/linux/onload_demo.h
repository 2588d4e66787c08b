/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* What the four modules call in each other: the real ones depend on each other in the same directions. */
#ifndef ONLOAD_DEMO_H
#define ONLOAD_DEMO_H

/* sfc_resource: counts its users. */
void sfc_resource_take(void);
void sfc_resource_give(void);

/* sfc_char: true once /dev/sfc_char is there. */
bool sfc_char_ready(void);

#endif

// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/* Stands in for the resource manager, which both sfc_char and onload need. */
#include <linux/atomic.h>
#include <linux/module.h>
#include "onload_demo.h"

static atomic_t users = ATOMIC_INIT(0);

void sfc_resource_take(void)
{
	atomic_inc(&users);
}
EXPORT_SYMBOL_GPL(sfc_resource_take);

void sfc_resource_give(void)
{
	atomic_dec(&users);
}
EXPORT_SYMBOL_GPL(sfc_resource_give);

static int __init sfc_resource_init(void)
{
	return 0;
}

static void __exit sfc_resource_exit(void)
{
	WARN_ON(atomic_read(&users) != 0);
}

module_init(sfc_resource_init);
module_exit(sfc_resource_exit);
MODULE_DESCRIPTION("onload-kmm demonstration in place of OpenOnload's resource manager");
MODULE_LICENSE("GPL");

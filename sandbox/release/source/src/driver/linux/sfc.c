// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * Stands in for the network driver. It has no table of PCI devices and so takes no adapter; what it has of the real one
 * is its name, its version and its dependency on the kernel's mtd.
 */
#include <linux/module.h>
#include <linux/mtd/mtd.h>

static void flash_added(struct mtd_info *flash)
{
	pr_debug("sfc: flash %s\n", flash->name);
}

static void flash_removed(struct mtd_info *flash)
{
	pr_debug("sfc: flash %s gone\n", flash->name);
}

static struct mtd_notifier notifier = {
	.add = flash_added,
	.remove = flash_removed,
};

static int __init sfc_init(void)
{
	register_mtd_user(&notifier);
	return 0;
}

static void __exit sfc_exit(void)
{
	unregister_mtd_user(&notifier);
}

module_init(sfc_init);
module_exit(sfc_exit);
MODULE_DESCRIPTION("onload-kmm demonstration in place of the Solarflare network driver");
MODULE_VERSION(SFC_VERSION);
MODULE_LICENSE("GPL");

/*
 * product.h - items, their units and categories.
 *
 * Other modules refer to item and uom by id; in SQL they call uom_convert() for a quantity
 * in another unit and item_category_path() for the categories above one.
 */
#ifndef TENON_PRODUCT_H
#define TENON_PRODUCT_H

#include "core/entity/module.h"

extern const struct module product_module;

#endif

/*
 * settings.h - every setting of tenond, with its default (core/base/conf.h).
 */
#ifndef TENON_SETTINGS_H
#define TENON_SETTINGS_H

#include "core/base/conf.h"

extern const struct conf_setting settings[];

#endif

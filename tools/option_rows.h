/** The rows of the option table, in files by subject; options.c puts them together, in its order.
 *  Rows of one group that stand in several files come out under one heading. */
#ifndef RID_OPTION_ROWS_H
#define RID_OPTION_ROWS_H

#include "tools/options.h"

typedef struct rid_option_rows {
    const rid_option *rows;
    size_t n;
} rid_option_rows;

extern const rid_option_rows rid_option_rows_data;   /**< entries: made, encoded, matched */
extern const rid_option_rows rid_option_rows_eval;   /**< evaluation */
extern const rid_option_rows rid_option_rows_gt;     /**< ground truth as documents */
extern const rid_option_rows rid_option_rows_calibrate; /**< calibration */
extern const rid_option_rows rid_option_rows_train;  /**< training */
extern const rid_option_rows rid_option_rows_common; /**< output, and what every binary has */

#endif

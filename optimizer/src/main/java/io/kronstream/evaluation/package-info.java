// SPDX-License-Identifier: Apache-2.0
/**
 * How good predictions were that were made before their labels were known. Sums that can be stored and gone on with, and
 * the metrics that follow from them.
 */
package io.kronstream.evaluation;

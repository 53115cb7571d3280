// SPDX-License-Identifier: Apache-2.0
/** Published models behind Flink ML's interface for serving, which needs no Flink cluster. */
package io.kronstream.connectors.servable;

// SPDX-License-Identifier: Apache-2.0
/**
 * How a Kafka cluster is reached and how its topics are named and created. The packages below it use this one and never
 * the other way round.
 */
package io.kronstream.connectors;

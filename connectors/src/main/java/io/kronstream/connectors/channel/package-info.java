// SPDX-License-Identifier: Apache-2.0
/**
 * The versioned tensor channel over a Kafka topic. It carries refresh answers from any process to the one subtask that
 * waits for them.
 */
package io.kronstream.connectors.channel;

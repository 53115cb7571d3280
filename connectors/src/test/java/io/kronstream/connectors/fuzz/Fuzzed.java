// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.fuzz;

import com.sun.management.ThreadMXBean;
import io.kronstream.connectors.format.UndecodableException;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.concurrent.Callable;

/** What holds for every decoder whatever its input: it refuses it in a stated way, soon, and in little memory. */
public final class Fuzzed {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    /** Processor time of one input; the clock would count other processes' time. */
    private static final long MAX_NANOS = 1_000_000_000;

    /** Bytes that decoding may allocate, per byte of the input and at all. */
    private static final long BYTES_PER_BYTE = 4096;

    private static final long BYTES_AT_ALL = 4 << 20;

    private Fuzzed() {}

    /** Decodes an input; an exception that is no refusal, a second, or too much memory is a finding. */
    public static void run(byte[] input, Callable<?> decoder) {
        run(input, BYTES_AT_ALL, decoder);
    }

    /** @param allowed bytes that decoding may allocate whatever the input's length */
    public static void run(byte[] input, long allowed, Callable<?> decoder) {
        String excess = excess(input, allowed, decoder);
        if (excess != null) {
            // the first time, classes were loaded and instrumented, too
            excess = excess(input, allowed, decoder);
        }
        if (excess != null) {
            throw new AssertionError(input.length + " bytes of input took " + excess);
        }
    }

    /** What decoding took too much of, or null. */
    private static String excess(byte[] input, long allowed, Callable<?> decoder) {
        long bytes = THREADS.getCurrentThreadAllocatedBytes();
        long nanos = THREADS.getCurrentThreadCpuTime();
        decode(decoder);
        nanos = THREADS.getCurrentThreadCpuTime() - nanos;
        bytes = THREADS.getCurrentThreadAllocatedBytes() - bytes;
        if (nanos > MAX_NANOS) {
            return nanos / 1_000_000 + " ms";
        }
        return bytes > allowed + BYTES_PER_BYTE * input.length ? bytes + " bytes of memory" : null;
    }

    private static void decode(Callable<?> decoder) {
        try {
            decoder.call();
        } catch (UndecodableException e) {
            if (!e.reason().matches("[a-z]+") || e.sentence().isBlank()) {
                throw new AssertionError("A refusal says nothing: " + e.reason() + ", " + e.sentence());
            }
        } catch (IOException | IllegalArgumentException e) {
            // refused, as it says it would
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }
}

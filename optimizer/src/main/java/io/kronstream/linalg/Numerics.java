// SPDX-License-Identifier: Apache-2.0
package io.kronstream.linalg;

import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.openblas.global.openblas_full;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the last bits of a result depend on. OpenBLAS picks its kernels by processor type unless the environment variable
 * {@code OPENBLAS_CORETYPE} pins it, and kernels of different types differ in the last bits.
 */
public final class Numerics {
    private static final Logger LOG = LoggerFactory.getLogger(Numerics.class);

    private Numerics() {}

    /**
     * Names everything that decides the last bits: processor type as OpenBLAS uses it, OpenBLAS version, ND4J backend,
     * major version of the JDK. Two processes with equal fingerprints compute equal bits.
     */
    public static String fingerprint() {
        return Holder.FINGERPRINT;
    }

    /**
     * Sets BLAS and OpenMP to one thread for the whole process: parallelism is over models and layers. Logs the
     * fingerprint once. Done before the first native matrix is created.
     */
    public static void singleThreaded() {
        Holder.load();
    }

    /** Sets the threads of matrix products for the whole process; for measuring, where nothing else runs. */
    public static void threads(int count) {
        Holder.load();
        openblas_full.openblas_set_num_threads(count);
    }

    /** Runs once, when first used. */
    private static final class Holder {
        static final String FINGERPRINT;

        static {
            Nd4j.getBackend();
            Nd4j.getBackend().getEnvironment().setMaxThreads(1);
            Nd4j.getBackend().getEnvironment().setMaxMasterThreads(1);
            openblas_full.openblas_set_num_threads(1);
            // Loads what closing needs: a matrix may be closed when the process ends and class loaders no longer work.
            Nd4j.create(DataType.FLOAT, 1).close();
            FINGERPRINT = text(openblas_full.openblas_get_corename()) + " | " + openblas_full.OPENBLAS_VERSION.trim()
                    + " | " + Nd4j.getBackend().getClass().getSimpleName() + " | JDK "
                    + Runtime.version().feature();
            LOG.info("Numerics: {}", FINGERPRINT);
        }

        static void load() {}

        private static String text(BytePointer pointer) {
            return pointer.getString().trim();
        }
    }
}

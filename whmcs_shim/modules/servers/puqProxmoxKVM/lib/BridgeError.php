<?php

namespace KvmBridge\Shim;

/**
 * The daemon could not be asked, or its answer could not be used. The message is one line for staff and holds neither
 * addresses nor secrets; clients are shown Failure::FOR_CLIENTS instead.
 */
class BridgeError extends \RuntimeException
{
}

<?php

namespace WxToken\Command;

/** A path that can be no token file's, such as that of a directory. The other files are not concerned. */
final class UnfitPath extends UsageError
{
}
